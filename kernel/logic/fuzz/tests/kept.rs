//! Every body over its seeds, and over what once was found: `kept/<target>/*`, inputs as the fuzzer wrote them.

use std::fs;
use std::path::Path;

use fuzz::{TARGETS, seeds};

#[test]
fn seeds_are_taken() {
    for (target, body) in TARGETS {
        let seeds = seeds::of(target);
        assert!(!seeds.is_empty(), "{target} begins with nothing");
        seeds.iter().for_each(|seed| body(seed));
        body(&[]);
    }
}

#[test]
fn what_was_found_is_gone() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("kept");
    for folder in fs::read_dir(&kept).expect("there is such a directory") {
        let folder = folder.expect("it can be read");
        let name = folder.file_name();
        let Some((_, body)) = TARGETS.iter().find(|(target, _)| name.to_str() == Some(target)) else {
            panic!("{} is no target's", folder.path().display())
        };
        for file in fs::read_dir(folder.path()).expect("it can be read") {
            let file = file.expect("it can be read").path();
            println!("{}", file.display());
            body(&fs::read(&file).expect("it can be read"));
        }
    }
}
