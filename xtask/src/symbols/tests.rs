//! Which lines are frames.

use super::frame;

#[test]
fn only_frames_are_frames() {
    assert_eq!(frame("  #3 0x0000000000234567"), Some((3, 0x23_4567)));
    assert_eq!(frame("[error]  #0 0x10\n"), Some((0, 0x10)));
    assert_eq!(frame("  #x 0x10"), None);
    assert_eq!(frame("  #1 0x10 main"), None);
    assert_eq!(frame("hello #1 0x10"), None);
}
