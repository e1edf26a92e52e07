//! The seeds do what they are for: otherwise nothing deep is reached, and nobody would notice.

use super::*;

#[test]
fn seeds_open_connections_and_bytes_pass() {
    for (index, seed) in seeds().iter().enumerate() {
        let (was_read, written) = play(&mut Unstructured::new(seed)).unwrap();
        assert!(was_read >= 100 && written >= 8000, "seed {index}: {was_read} bytes read, {written} written");
    }
}
