//! Opening the store: the lock, the file's identity, the schema's version, the pragmas.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::Store;

/// Marks the file as ours (`PRAGMA application_id`): "sbus" in ASCII.
const APPLICATION_ID: i32 = 0x7362_7573;

/// Each entry takes the schema from its index to the next version; append only.
const MIGRATIONS: [&str; 4] = [
    include_str!("schema.sql"),
    include_str!("schema_state.sql"),
    include_str!("schema_inbox.sql"),
    include_str!("schema_notifications.sql"),
];

/// How long a reader waits for a checkpoint that holds it up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the store lives.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A directory that holds the database and its lock.
    Directory(PathBuf),
    /// Memory, for tests.
    #[cfg_attr(not(test), allow(dead_code))]
    Memory,
}

/// Why the store cannot be opened. Each text is one line that names the place and the fix.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be made or written.
    #[error("cannot write to the data directory `{}`: {source}; choose another with `SYSTEM_BUS_DATA`", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process has the directory.
    #[error("the data directory `{}` is in use by another system-bus; stop that one or set `SYSTEM_BUS_DATA`", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The file is damaged or no database.
    #[error("the database `{}` is damaged or not a database ({message}); restore a backup or move the file away", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        message: String,
    },
    /// The file belongs to another program.
    #[error("the database `{}` belongs to another program; choose another directory with `SYSTEM_BUS_DATA`", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a later version of this program.
    #[error("the database `{}` has schema version {found}, this system-bus knows {known}; run the newer system-bus", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: usize,
        /// The last version this program knows.
        known: usize,
    },
    /// Anything else that SQLite refuses.
    #[error("cannot open the database `{}`: {message}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        message: String,
    },
}

/// Keeps other processes out of the data directory while it lives.
pub(crate) struct DirectoryLock(#[expect(dead_code, reason = "the open file is the lock")] Option<File>);

impl Store {
    /// Opens the store, makes it when it is not there, and brings its schema up to date.
    pub(crate) fn open(place: &Place) -> Result<(Self, DirectoryLock), OpenError> {
        let Place::Directory(directory) = place else {
            let path = Path::new(":memory:");
            let connection = Connection::open_in_memory().map_err(|error| open_error(path, &error))?;
            let store = prepare(connection, path)?;
            return Ok((store, DirectoryLock(None)));
        };
        let lock = lock(directory)?;
        let path = database(directory);
        let connection = Connection::open(&path).map_err(|error| open_error(&path, &error))?;
        check_identity(&connection, &path)?;
        drop(connection);
        let full = |source| OpenError::Directory { path: directory.clone(), source };
        preallocate_log(&directory.join("engine.db-wal")).map_err(full)?;
        let connection = Connection::open(&path).map_err(|error| open_error(&path, &error))?;
        Ok((prepare(connection, &path)?, lock))
    }
}

/// Pages of the log after which it is moved into the database file and starts over.
const LOG_PAGES: u32 = 2_000;

/// Writes zeros where the log will be, unless there is one. A commit then overwrites blocks that the file has already, and
/// its sync need not write the file's metadata too, which would double its time. SQLite takes a log without its magic
/// number for an empty one (file format, section 4.1).
fn preallocate_log(path: &Path) -> std::io::Result<()> {
    use std::io::Write;
    const FRAME_BYTES: usize = 4096 + 24;
    if std::fs::metadata(path).is_ok_and(|log| log.len() > 0) {
        return Ok(());
    }
    let mut log = File::create(path)?;
    let zeros = vec![0; FRAME_BYTES * 64];
    for _ in 0..=LOG_PAGES / 64 {
        log.write_all(&zeros)?;
    }
    log.sync_all()
}

/// A connection that reads beside the writer and sees whole transactions only.
pub(crate) fn open_reader(directory: &Path) -> Result<Connection, OpenError> {
    let path = database(directory);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags).map_err(|error| open_error(&path, &error))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|error| open_error(&path, &error))?;
    Ok(connection)
}

fn database(directory: &Path) -> PathBuf {
    directory.join("engine.db")
}

/// Makes the directory for its owner alone: events can hold what others must not read.
fn make_private(directory: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn lock(directory: &Path) -> Result<DirectoryLock, OpenError> {
    let unwritable = |source| OpenError::Directory { path: directory.to_owned(), source };
    make_private(directory).map_err(unwritable)?;
    let path = directory.join("engine.lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => Ok(DirectoryLock(Some(file))),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse { path: directory.to_owned() }),
        Err(std::fs::TryLockError::Error(source)) => Err(unwritable(source)),
    }
}

fn prepare(connection: Connection, path: &Path) -> Result<Store, OpenError> {
    let failed = |error: rusqlite::Error| open_error(path, &error);
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = OFF;
             PRAGMA temp_store = MEMORY;
             PRAGMA cache_size = -4096;
             PRAGMA wal_autocheckpoint = {LOG_PAGES};"
        ))
        .map_err(failed)?;
    // Without this promise a statement is compiled again whenever a bound value might change its plan, that is at nearly
    // every use of one with a range.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(128);
    migrate(&connection).map_err(failed)?;
    Ok(Store { connection })
}

/// Refuses a file that is not ours before anything is written to it.
fn check_identity(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| open_error(path, &error);
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).map_err(failed)?;
    let identity = number("application_id").map_err(failed)?;
    if tables > 0 && identity != i64::from(APPLICATION_ID) {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    let found = usize::try_from(number("user_version").map_err(failed)?).unwrap_or(usize::MAX);
    if found > MIGRATIONS.len() {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: MIGRATIONS.len() });
    }
    Ok(())
}

fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(usize::try_from(version).unwrap_or(0)) {
        let next = index + 1;
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {migration} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {next}; COMMIT;"
        ))?;
    }
    Ok(())
}

fn open_error(path: &Path, error: &rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    let message = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OpenError::Corrupt { path, message },
        Some(ErrorCode::PermissionDenied | ErrorCode::CannotOpen | ErrorCode::ReadOnly) => {
            OpenError::Directory { path, source: std::io::Error::new(std::io::ErrorKind::PermissionDenied, message) }
        }
        _ => OpenError::Sqlite { path, message },
    }
}

#[cfg(test)]
mod tests {
    use system_bus_runtime::service::{StateCommand, StateReply};

    use super::*;

    fn directory() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn refusal(directory: &Path) -> String {
        Store::open(&Place::Directory(directory.to_owned())).err().unwrap().to_string()
    }

    #[test]
    fn a_second_opener_is_refused() {
        let directory = directory();
        let _held = Store::open(&Place::Directory(directory.path().to_owned())).unwrap();
        assert!(refusal(directory.path()).contains("in use by another system-bus"));
    }

    #[test]
    fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
        let directory = directory();
        let text =
            "this is a text file, long enough to have a header of its own, and then some more of the same".repeat(9);
        std::fs::write(database(directory.path()), &text).unwrap();
        assert!(refusal(directory.path()).contains("damaged or not a database"));
        assert_eq!(std::fs::read_to_string(database(directory.path())).unwrap(), text);
    }

    #[test]
    fn a_foreign_database_is_refused() {
        let directory = directory();
        Connection::open(database(directory.path())).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
        assert!(refusal(directory.path()).contains("belongs to another program"));
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let directory = directory();
        drop(Store::open(&Place::Directory(directory.path().to_owned())).unwrap());
        let connection = Connection::open(database(directory.path())).unwrap();
        connection.execute_batch("PRAGMA user_version = 99").unwrap();
        assert!(refusal(directory.path()).contains("schema version 99"));
    }

    #[cfg(unix)]
    #[test]
    fn the_directory_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let parent = directory();
        let directory = parent.path().join("new");
        Store::open(&Place::Directory(directory.clone())).unwrap();
        assert_eq!(std::fs::metadata(directory).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_store_of_the_first_version_keeps_its_state() {
        let directory = directory();
        let connection = Connection::open(database(directory.path())).unwrap();
        let identity = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;");
        connection.execute_batch(&(MIGRATIONS[0].to_owned() + &identity)).unwrap();
        connection.execute("INSERT INTO state (key, value) VALUES ('a', '1')", []).unwrap();
        drop(connection);
        let (store, _lock) = Store::open(&Place::Directory(directory.path().to_owned())).unwrap();
        let reply = store.apply_state("a", &StateCommand::Get, 0).unwrap();
        assert!(reply == StateReply::Text(Some("1".to_owned())));
    }

    #[test]
    fn a_store_opens_again_with_what_it_held() {
        let directory = directory();
        let (store, lock) = Store::open(&Place::Directory(directory.path().to_owned())).unwrap();
        store.connection.execute("INSERT INTO state (key, value) VALUES ('a', '1')", []).unwrap();
        drop((store, lock));
        let (store, _lock) = Store::open(&Place::Directory(directory.path().to_owned())).unwrap();
        let value: String = store.connection.query_row("SELECT value FROM state", [], |row| row.get(0)).unwrap();
        assert_eq!(value, "1");
    }
}
