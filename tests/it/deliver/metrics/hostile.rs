//! Servers that are broken, or mean no good: each ends in an error, in time and in bounded memory.

use super::server::{Server, reply, runtime, success};
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use taskmaster::deliver::metrics::{Answered, Prometheus, QueryError, Settings};
use taskmaster_delivery::analysis::answer::Answer;
use zeroize::Zeroizing;

fn ask(settings: &Settings) -> Result<Arc<Answered>, QueryError> {
    let client = Prometheus::new(settings).unwrap();
    runtime().block_on(client.query("x", None))
}

/// What comes of a server that does this with a connection.
fn of(act: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> QueryError {
    let server = Server::new(move |_, _, stream| act(stream));
    ask(&server.settings()).unwrap_err()
}

/// What comes of an answer.
fn of_answer(status: u16, body: &str) -> QueryError {
    let body = body.to_owned();
    of(move |stream| reply(stream, status, "", &body))
}

#[test]
fn an_answer_of_100_mb_is_not_read() {
    let announced = of(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n{");
    });
    assert_eq!(announced, QueryError::TooLong(8 << 20));
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let begun = Instant::now();
    let endless = of(move |stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
        for _ in 0..1_600 {
            if stream.write_all(&chunk).is_err() {
                return;
            }
            count.fetch_add(0x10000, Ordering::SeqCst);
        }
    });
    assert_eq!(endless, QueryError::TooLong(8 << 20));
    assert!(sent.load(Ordering::SeqCst) < 64 << 20, "{sent:?}");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn megabytes_of_anything_are_survived() {
    let megabytes = |unit: &str| unit.repeat((2 << 20) / unit.len());
    for body in [
        megabytes("["),
        megabytes("{\"a\":"),
        success("vector", &format!("[{}[1]]", megabytes("[],"))),
        success("vector", &format!("[{}{{}}]", megabytes("{},"))),
        success("vector", &format!("[{{\"metric\":{{{}\"z\":\"\"}}}}]", megabytes("\"a\":\"\","))),
        success("scalar", &format!("[1,\"{}\"]", megabytes("9"))),
        format!("{{\"status\":\"error\",\"error\":\"{}\"}}", megabytes("no ")),
    ] {
        let fault = of_answer(200, &body);
        assert!(fault.to_string().len() < 1_500, "{}", fault.to_string().len());
    }
}

#[test]
fn a_server_that_drips_or_hangs_is_left_in_time() {
    let drips = |stream: &mut TcpStream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        for _ in 0..400 {
            std::thread::sleep(Duration::from_millis(25));
            if stream.write_all(b" ").is_err() {
                return;
            }
        }
    };
    let slow_head = |stream: &mut TcpStream| {
        for _ in 0..400 {
            std::thread::sleep(Duration::from_millis(25));
            if stream.write_all(b"H").is_err() {
                return;
            }
        }
    };
    let hangs = |_: &mut TcpStream| std::thread::sleep(Duration::from_secs(10));
    let servers = [
        Server::new(move |_, _, stream| drips(stream)),
        Server::new(move |_, _, stream| slow_head(stream)),
        Server::new(move |_, _, stream| hangs(stream)),
    ];
    for server in servers {
        let timeout = Duration::from_millis(200);
        let begun = Instant::now();
        let fault = ask(&Settings { timeout, retries: 1, ..server.settings() }).unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(5));
        // A head that is no HTTP may be told before the time is over.
        assert!(matches!(fault, QueryError::Timeout(_) | QueryError::Unreachable(_)), "{fault}");
    }
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = Server::saying(|_, _| (200, success("scalar", r#"[1,"1"]"#)));
    for status in [301, 302, 303, 307, 308] {
        let location = format!("Location: http://{}/api/v1/query\r\n", elsewhere.address);
        let fault = of(move |stream| reply(stream, status, &location, ""));
        assert_eq!(fault, QueryError::Redirect(status));
    }
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn refusals_are_told_and_not_repeated() {
    for status in [401, 403, 407] {
        let server = Server::saying(move |_, _| (status, "go away".to_owned()));
        let fault = ask(&Settings { retries: 3, ..server.settings() }).unwrap_err();
        assert_eq!((fault, server.requests().len()), (QueryError::Unauthorized(status), 1));
    }
    let bad = r#"{"status":"error","errorType":"bad_data","error":"1:3: parse error"}"#;
    let server = Server::saying(move |_, _| (400, bad.to_owned()));
    let fault = ask(&Settings { retries: 3, ..server.settings() }).unwrap_err();
    assert_eq!((fault.to_string().as_str(), server.requests().len()), ("bad_data: 1:3: parse error", 1));
    let slow = r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#;
    assert_eq!(of_answer(503, slow).to_string(), "timeout: query timed out");
    assert_eq!(of_answer(404, "<html>").to_string(), "the answer is 404");
}

#[test]
fn what_may_pass_is_tried_again_so_many_times() {
    let recovers = Server::new(|_, number, stream| match number {
        0 => reply(stream, 503, "Retry-After: 0\r\n", ""),
        1 => reply(stream, 502, "", "<html>"),
        2 => drop(stream.shutdown(Shutdown::Both)),
        _ => reply(stream, 200, "", &success("scalar", r#"[1,"1"]"#)),
    });
    let found = ask(&Settings { retries: 3, ..recovers.settings() }).unwrap();
    assert_eq!((found.answer.clone(), recovers.requests().len()), (Answer::Scalar(1.0), 4));
    let never = Server::saying(|_, _| (500, String::new()));
    assert!(ask(&Settings { retries: 2, ..never.settings() }).is_err());
    assert_eq!(never.requests().len(), 3);
    let later = Server::new(|_, _, stream| reply(stream, 429, "Retry-After: 3600\r\n", ""));
    let begun = Instant::now();
    let fault = ask(&Settings { retries: 5, ..later.settings() }).unwrap_err();
    assert_eq!(fault.to_string(), "the answer is 429");
    assert!(begun.elapsed() < Duration::from_secs(5) && later.requests().len() == 1);
}

#[test]
fn a_server_that_is_overloaded_is_asked_again_whatever_it_says() {
    let busy = r#"{"status":"error","errorType":"too_many_requests","error":"rate limit"}"#;
    let large = format!(r#"{{"status":"error","errorType":"execution","error":"{}"}}"#, "x".repeat(300_000));
    let recovers = Server::new(move |_, number, stream| match number {
        0 => reply(stream, 429, "Retry-After: 0\r\n", busy),
        1 => reply(stream, 500, "", &large),
        _ => reply(stream, 200, "", &success("scalar", r#"[1,"1"]"#)),
    });
    assert!(ask(&Settings { retries: 2, ..recovers.settings() }).is_ok());
    assert_eq!(recovers.requests().len(), 3);
    // What it asks for holds here as well.
    let later = Server::new(move |_, _, stream| reply(stream, 429, "Retry-After: 3600\r\n", busy));
    let fault = ask(&Settings { retries: 5, ..later.settings() }).unwrap_err();
    assert_eq!((fault.to_string().as_str(), later.requests().len()), ("too_many_requests: rate limit", 1));
}

#[test]
fn nobody_there_garbage_and_half_an_answer() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = Zeroizing::new(format!("http://{free}"));
    let fault = ask(&Settings { url, retries: 1, ..Settings::default() }).unwrap_err();
    assert!(fault.to_string().starts_with("no answer: "), "{fault}");
    for head in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"status\"",
        "\0\u{1}garbage\r\n\r\n",
        "HTTP/1.1 999999\r\n\r\n",
    ] {
        let fault = of(move |stream| {
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.shutdown(Shutdown::Both);
        });
        assert!(matches!(fault, QueryError::Unreachable(_)), "{head}: {fault}");
    }
    for body in [
        "",
        "null",
        "<html></html>",
        "{\"status\":\"success\",\"data\":[]}",
        "{\"status\":\"success\"",
        "\u{feff}{}",
    ] {
        assert!(matches!(of_answer(200, body), QueryError::Form(_)), "{body}");
    }
    let many = "X-A: b\r\n".repeat(20_000);
    let flood = of(move |stream| reply(stream, 200, &many, "{}"));
    assert!(matches!(flood, QueryError::Unreachable(_)), "{flood}");
}

#[test]
fn what_a_server_sends_back_shows_no_secret() {
    let echo = Server::saying(|request, _| {
        let token = request.header("authorization").unwrap().trim_start_matches("Bearer ").to_owned();
        let tenant = request.header("x-tenant").unwrap().to_owned();
        let words = format!("no: {token}\\n\\u001b[31m {tenant}");
        (422, format!(r#"{{"status":"error","errorType":"execution","error":"{words}"}}"#))
    });
    let settings = Settings {
        bearer: Some(Zeroizing::new("very-s3cret".to_owned())),
        headers: [("x-tenant".to_owned(), Zeroizing::new("tenant-key".to_owned()))].into(),
        ..echo.settings()
    };
    let fault = ask(&settings).unwrap_err();
    assert_eq!(fault.to_string(), "execution: no: <secret bearer> <secret x-tenant>");
    let client = Prometheus::new(&settings).unwrap();
    let shown = format!("{fault:?} {client:?} {settings:?}");
    assert!(!shown.contains("very-s3cret") && !shown.contains("tenant-key"), "{shown}");
}

/// Wherever a text is cut, no half of a secret is left.
#[test]
fn what_is_cut_shows_no_part_of_a_secret() {
    let secret = "very-s3cret-token-0123456789";
    let shown = |status: u16, body: String| {
        let server = Server::saying(move |_, _| (status, body.clone()));
        let bearer = Some(Zeroizing::new(secret.to_owned()));
        match ask(&Settings { bearer, ..server.settings() }) {
            Ok(found) => found.remarks.join(" "),
            Err(fault) => fault.to_string(),
        }
    };
    for before in [0, 25, 290, 65_520] {
        let words = format!("{}{secret}", "x ".repeat(before / 2));
        let warning = format!(r#""warnings":["PromQL warning: {words}"]"#);
        let data = r#""data":{"resultType":"vector","result":[]}"#;
        for (status, body) in [
            (422, format!(r#"{{"status":"error","errorType":"execution","error":"{words}"}}"#)),
            (200, format!(r#"{{"status":"success","error":"{words}"}}"#)),
            (200, format!(r#"{{"status":"success",{data},{warning}}}"#)),
            (200, success(&words, "[]")),
            (200, success("vector", &format!(r#"[{{"metric":{{}},"value":[1,"{words}"]}}]"#))),
            (200, format!(r#"{{"status":"success","data":"{words}"}}"#)),
        ] {
            let shown = shown(status, body);
            assert!(!shown.contains("very-s"), "{shown}");
            assert!(shown.chars().count() < 400, "{shown}");
        }
    }
}

#[test]
fn half_an_answer_is_none_and_remarks_are_kept() {
    let with =
        |more: &str| format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[]}},{more}}}"#);
    let fault = of_answer(200, &with(r#""warnings":["store-b: deadline exceeded"]"#));
    assert_eq!(fault.to_string(), "only a part of the answer came: store-b: deadline exceeded");
    let server = Server::saying(move |_, _| {
        (200, with(r#""warnings":["PromQL warning: odd quantile"],"infos":["i"]"#))
    });
    assert_eq!(ask(&server.settings()).unwrap().remarks, ["PromQL warning: odd quantile"]);
}
