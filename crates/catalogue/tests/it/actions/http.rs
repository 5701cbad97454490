//! Requests.

use crate::support::renders;

#[test]
fn rows() {
    renders(
        r#"http: https://example.org/health"#,
        r#"
            run    http: GET https://example.org/health [(200, 299)]
        "#,
    );
    renders(
        r#"
            http:
              method: post
              url: http://api.local/v1/things
              headers: {Authorization: {secret: env:TOKEN}, X-Plain: "1"}
              json: {name: a, n: 2, list: [x]}
              expect: {status: [201, 2xx, 300-304], json: {/status: ok, /n: 2}, body: {contains: created}}
              ca_file: ca.pem
        "#,
        r#"
            run    http: POST http://api.local/v1/things [(201, 201), (200, 299), (300, 304)] Authorization: <Env("TOKEN")> Content-Type: application/json X-Plain: 1 body {"list":["x"],"n":2,"name":"a"} | text has "created" | `/status` = "ok" | `/n` = 2 ca ca.pem
        "#,
    );
    renders(
        r#"http: {method: PUT, url: "http://api.local/", body: {secret: file:body.txt}, headers: {content-type: text/plain}}"#,
        r#"
            run    http: PUT http://api.local/ [(200, 299)] content-type: text/plain body <File("body.txt")>
        "#,
    );
    renders(
        r#"http: {url: "http://api.local/", json: [1], method: PATCH, headers: {content-type: application/merge-patch+json}}"#,
        r#"
            run    http: PATCH http://api.local/ [(200, 299)] content-type: application/merge-patch+json body [1]
        "#,
    );
}
