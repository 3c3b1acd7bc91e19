//! The machine a worker runs on.

use super::proto::SystemAttributes;

/// What a registration tells of the machine.
pub(super) fn attributes() -> SystemAttributes {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    SystemAttributes {
        cpu_cores: i32::try_from(cores).unwrap_or(i32::MAX),
        mem_bytes: std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| memory(&text)).unwrap_or(0),
        // As Go names it, which is what servers know.
        os: if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS }.to_owned(),
    }
}

/// The machine's memory in bytes, from Linux's `/proc/meminfo`; other systems are not asked.
fn memory(text: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(memory("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16_384 * 1024));
        assert_eq!(memory("MemTotal: much"), None);
    }
}
