//! A cell is filled once, and what is in it goes with it.

use alloc::sync::Arc;

use super::Once;

#[test]
fn who_is_faster_fills_it() {
    let cell = Once::new();
    assert_eq!(cell.get(), None);
    assert_eq!(cell.try_set(1), Ok(()));
    assert_eq!(cell.try_set(2), Err(2));
    assert_eq!(cell.get(), Some(&1));
}

#[test]
fn the_value_goes_with_the_cell() {
    let value = Arc::new(());
    let (full, empty) = (Once::new(), Once::<Arc<()>>::new());
    full.set(Arc::clone(&value));
    drop(empty);
    assert_eq!(Arc::strong_count(&value), 2);
    drop(full);
    assert_eq!(Arc::strong_count(&value), 1);
}
