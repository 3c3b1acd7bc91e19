//! The least HTTP client that keeps connections open: the load must cost less than what it measures.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::Failure;

/// One connection to a worker.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    port: u16,
}

/// What `GET /done` answers.
#[derive(serde::Deserialize)]
pub(crate) struct Done {
    pub(crate) done: u64,
    pub(crate) rss: u64,
}

impl Client {
    pub(crate) fn connect(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), port })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn done(&mut self) -> Result<Done, Failure> {
        self.stream.get_mut().write_all(b"GET /done HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
        Ok(serde_json::from_slice(&self.answer()?)?)
    }

    pub(crate) fn post(&mut self, body: &str) -> Result<(), Failure> {
        self.stream.get_mut().write_all(&request(body))?;
        self.answer().map(drop)
    }

    fn answer(&mut self) -> Result<Vec<u8>, Failure> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        if !line.contains(" 200 ") {
            return Err(format!("the worker answered `{}`", line.trim()).into());
        }
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let header = line.trim();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length: ") {
                length = value.parse()?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }
}

fn request(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST /e/bench HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Posts `requests` times on each of `connections`, one at a time on each; how long it took.
pub(crate) fn flood(port: u16, connections: usize, requests: usize, body: &str) -> Result<Duration, Failure> {
    let request = request(body);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let begin = Instant::now();
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..connections {
            let request = request.clone();
            tasks.spawn(async move { flood_one(port, requests, &request).await.map_err(|error| error.to_string()) });
        }
        while let Some(result) = tasks.join_next().await {
            result??;
        }
        Ok::<_, Failure>(begin.elapsed())
    })
}

async fn flood_one(port: u16, requests: usize, request: &[u8]) -> Result<(), Failure> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 4096];
    for _ in 0..requests {
        stream.write_all(request).await?;
        let mut length = 0;
        // Every answer ends with this: one JSON object without another in it.
        while !buffer[..length].ends_with(b"\"status\":200}") {
            let read = stream.read(&mut buffer[length..]).await?;
            if read == 0 || length + read == buffer.len() {
                return Err(format!("the worker answered {}", String::from_utf8_lossy(&buffer[..length])).into());
            }
            length += read;
        }
    }
    Ok(())
}
