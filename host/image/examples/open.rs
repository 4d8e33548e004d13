//! Opens an image some times and prints how long it took: `cargo run --release --package lambkin-image --example open
//! -- IMAGE CACHE`. With an empty cache, the first time is that of unpacking.

use std::path::Path;
use std::time::Instant;

use lambkin_image::{ImageError, Source, open};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(image), Some(cache)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: open IMAGE CACHE");
        std::process::exit(2);
    };
    if let Err(error) = run(&image, Path::new(&cache)) {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn run(image: &str, cache: &Path) -> Result<(), ImageError> {
    let source = Source::parse(image, Path::new("."))?;
    for _ in 0..5 {
        let start = Instant::now();
        let image = open(&source, cache, None)?;
        println!(
            "{:?} {} {}",
            start.elapsed(),
            image.digest,
            image.root.display()
        );
    }
    Ok(())
}
