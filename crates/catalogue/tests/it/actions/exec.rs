//! Commands, scripts, approvals and waits.

use crate::support::renders;

#[test]
fn rows() {
    renders(
        r#"exec: [make, build]"#,
        r#"
            run    exec: make build
        "#,
    );
    renders(
        r#"
            exec:
              argv: [./tool, "a b", "", --flag]
              cwd: sub
              env: {A: x, TOKEN: {secret: env:TOKEN}}
              stdin: {secret: {exec: [pass, show, x]}}
        "#,
        r#"
            run    exec: ./tool "a b" "" --flag A=x TOKEN=<Env("TOKEN")> in sub < <Exec(["pass", "show", "x"])>
        "#,
    );
    renders(
        r#"
            shell: |
              echo hi
        "#,
        r#"
            run    shell: sh -eu -c "echo hi\n"
        "#,
    );
    renders(
        r#"
            shell:
              script: print(1)
              interpreter: [python3, -c]
              cwd: sub
              env: {A: x}
              stdin: hello
        "#,
        r#"
            run    shell: python3 -c print(1) A=x in sub < hello
        "#,
    );
    renders(
        r#"approval: Switch production over?"#,
        r#"
            run    approval: Switch production over?
        "#,
    );
    renders(
        r#"approval: {message: "Really?"}"#,
        r#"
            run    approval: Really?
        "#,
    );
    renders(
        r#"wait: 1m30s"#,
        r#"
            run    wait: 90000 ms
        "#,
    );
    renders(
        r#"wait: {duration: 250ms}"#,
        r#"
            run    wait: 250 ms
        "#,
    );
}
