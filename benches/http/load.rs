//! The load: threads with a connection each, asking one question again and again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::harness::Server;
use super::questions::Question;

/// How long each question is asked.
const TIME: Duration = Duration::from_millis(1500);

/// Asks on one connection; how long each answer took.
pub fn one(server: &Server, question: &Question) -> Vec<Duration> {
    let mut connection = server.connect();
    let mut times = Vec::new();
    let started = Instant::now();
    let mut n = 0;
    while started.elapsed() < TIME || n < 20 {
        let path = (question.path)(n);
        let asked = Instant::now();
        let answer = connection.send("GET", &path, "").unwrap();
        times.push(asked.elapsed());
        assert!(answer.ok(), "{path}: {}", answer.json());
        n += 1;
    }
    times
}

/// Asks on 16 connections; answers a second.
pub fn many(server: &Server, question: &Question) -> f64 {
    let asked = AtomicU64::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut connection = server.connect();
                while started.elapsed() < TIME {
                    let n = asked.fetch_add(1, Ordering::Relaxed);
                    assert!(connection.send("GET", &(question.path)(n), "").unwrap().ok());
                }
            });
        }
    });
    asked.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}

/// Makes assets on this many connections; how many a second are durable.
pub fn creates(server: &Server, connections: u64) -> f64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let made = AtomicU64::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let mut connection = server.connect();
                while started.elapsed() < TIME * 2 {
                    let n = NEXT.fetch_add(1, Ordering::Relaxed);
                    let body = format!("{{\"asset_id\":\"made-{n}\",\"owner\":\"bench\"}}");
                    let answer = connection.send("POST", "/api/v1/assets", &body).unwrap();
                    assert_eq!(answer.status, 201, "{}", answer.json());
                    made.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    made.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}
