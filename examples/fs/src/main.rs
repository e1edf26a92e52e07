//! `std::fs`, from making a directory to removing it again.
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

fn names(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn main() -> io::Result<()> {
    let root = std::env::temp_dir().join("caracal-fs-example");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("deep/er"))?;

    let poem = root.join("poem.txt");
    fs::write(&poem, "one\ntwo\nthree\n")?;
    println!("lines: {}", BufReader::new(File::open(&poem)?).lines().count());

    OpenOptions::new().append(true).open(&poem)?.write_all(b"four\n")?;
    let mut file = OpenOptions::new().read(true).write(true).open(&poem)?;
    file.seek(SeekFrom::Start(4))?;
    file.write_all(b"TWO")?;
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    println!("text: {text:?}");

    fs::hard_link(&poem, root.join("second name"))?;
    symlink("poem.txt", root.join("link"))?;
    let metadata = fs::metadata(root.join("link"))?;
    println!(
        "length: {}, names: {}, link to: {}",
        metadata.len(),
        metadata.nlink(),
        fs::read_link(root.join("link"))?.display()
    );

    fs::set_permissions(&poem, Permissions::from_mode(0o640))?;
    println!("mode: {:o}", fs::metadata(&poem)?.permissions().mode() & 0o777);

    fs::write(root.join("other"), "x")?;
    fs::rename(root.join("other"), root.join("deep/er/moved"))?;
    println!("here: {:?}, there: {:?}", names(&root)?, names(&root.join("deep/er"))?);

    let sparse = File::create(root.join("sparse"))?;
    sparse.write_at(b"end", 10 << 20)?;
    let metadata = sparse.metadata()?;
    println!(
        "sparse: {} bytes, less than 64 KiB stored: {}",
        metadata.len(),
        metadata.blocks() * 512 < 64 << 10
    );

    let (first, second) = (File::open(&poem)?, File::open(&poem)?);
    first.lock()?;
    println!("second lock while locked: {}", second.try_lock().is_ok());
    first.unlock()?;
    println!("second lock afterwards: {}", second.try_lock().is_ok());

    println!("copied: {} bytes", fs::copy(&poem, root.join("copy"))?);
    for missing in ["none", "poem.txt/none"] {
        let error = File::open(root.join(missing)).expect_err("it is not there");
        println!("{missing}: {:?}", error.kind());
    }
    fs::remove_dir_all(&root)?;
    println!("still there: {}", root.try_exists()?);
    Ok(())
}
