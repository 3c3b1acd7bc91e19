//! The disk's own speed, which a durable step cannot beat.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

/// Milliseconds that it takes to overwrite 4 KiB of a file and sync its data.
pub(crate) fn fdatasync(directory: &Path) -> std::io::Result<f64> {
    const TIMES: u32 = 300;
    const PAGE_BYTES: u64 = 4096;
    let path = directory.join("fdatasync");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    let pages = 1_000;
    file.write_all_at(&vec![1; (PAGE_BYTES * pages) as usize], 0)?;
    file.sync_all()?;
    let begin = Instant::now();
    for round in 0..u64::from(TIMES) {
        file.write_all_at(&[2; PAGE_BYTES as usize], (round % pages) * PAGE_BYTES)?;
        file.sync_data()?;
    }
    Ok(begin.elapsed().as_secs_f64() * 1_000.0 / f64::from(TIMES))
}
