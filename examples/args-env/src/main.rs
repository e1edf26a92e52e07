//! Arguments and environment, and an exit code that says something.
use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    for (number, argument) in arguments.iter().enumerate() {
        println!("argument {}: {argument}", number + 1);
    }
    match env::var("COLOUR") {
        Ok(colour) => println!("COLOUR is {colour}"),
        Err(error) => println!("COLOUR: {error}"),
    }
    println!("NO_SUCH_VARIABLE is set: {}", env::var_os("NO_SUCH_VARIABLE").is_some());
    ExitCode::from(arguments.len() as u8)
}
