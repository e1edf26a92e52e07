//! Unwinding: destructors run, `catch_unwind` catches, threads hand their panic to whoever joins.
use std::panic;
use std::thread;

struct Guard(&'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        println!("dropped: {}", self.0);
    }
}

fn parse(text: &str) -> u32 {
    let _guard = Guard("guard of parse");
    text.parse().expect("a number")
}

fn main() {
    println!("parsed: {}", parse("42"));

    let caught = panic::catch_unwind(|| parse("forty-two"));
    println!("caught: {}", caught.is_err());

    let joined = thread::Builder::new()
        .name("doomed".into())
        .spawn(|| panic!("in a thread"))
        .expect("a thread")
        .join();
    let message = joined.expect_err("it panicked");
    println!("from the thread: {}", message.downcast_ref::<&str>().unwrap_or(&"?"));

    let _guard = Guard("guard of main");
    let empty: Vec<u32> = Vec::new();
    println!("never printed: {}", empty[std::hint::black_box(3)]);
}
