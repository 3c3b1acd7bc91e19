//! What names a server.

use super::*;

#[track_caller]
fn refusal(url: &str) -> String {
    Redis::open(url).unwrap_err().to_string()
}

#[tokio::test]
async fn a_url_names_the_address() {
    for (url, address) in [
        ("redis://localhost", "localhost:6379"),
        (" redis://user:secret-word@example.com:7000/2 ", "example.com:7000"),
        ("rediss://:secret-word@[::1]:6380", "::1:6380"),
        ("valkey://127.0.0.1", "127.0.0.1:6379"),
        ("unix:///run/redis.sock?db=1&pass=secret-word", "/run/redis.sock"),
    ] {
        let redis = Redis::open(url).unwrap();
        assert_eq!(redis.address(), address);
        assert!(!format!("{redis:?}").contains("secret-word"));
    }
}

#[test]
fn what_is_no_url_is_refused_without_repeating_it() {
    for url in [
        "",
        "localhost:6379",
        "http://:secret-word@localhost",
        "redis://:secret-word@localhost:99999",
        "redis://:secret-word@localhost/secret-word",
        "redis://:secret-word@0.0.0.0",
        "redis://",
        "redis://:secret-word@local host",
        "redis://:secret-word%ff@localhost",
        "rediss://:secret-word@localhost#insecure",
        "rediss://:secret-word@localhost#secret-word",
        "redis://:secret-word@localhost?protocol=secret-word",
    ] {
        let refusal = refusal(url);
        assert!(refusal.starts_with("not the URL of a Redis server ("), "{refusal}");
        assert!(!refusal.contains("secret-word"), "{refusal}");
    }
    assert!(refusal("redis://localhost/x").contains("(Invalid database number)"));
    assert!(refusal("rediss://localhost#insecure").contains("(certificates are always checked)"));
}

#[tokio::test]
async fn a_socket_of_the_system_is_as_good_as_a_port() {
    let directory = std::env::temp_dir().join(format!("system-bus-socket-{}", fastrand::u64(..)));
    std::fs::create_dir(&directory).unwrap();
    let path = directory.join("redis.sock");
    let path = path.to_str().unwrap();
    let server = RedisServer::start_with(&["--unixsocket", path, "--requirepass", "a b"]);
    let redis = Redis::open(&format!("unix://{path}?db=2&pass=a%20b")).unwrap();
    redis.ping().await.unwrap();
    drop(server);
    std::fs::remove_dir_all(directory).unwrap();
}
