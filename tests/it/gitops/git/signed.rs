//! Signatures, by keys that each test makes for itself.

use super::support::{git, id, place};
use crate::gitops::origin::Origin;
use std::path::{Path, PathBuf};
use std::process::Command;
use taskmaster::git::history::{SignatureError, Signers};
use taskmaster::git::mirror::Mirror;
use taskmaster::git::remote::{Access, Remote};

fn run(origin: &Origin, program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).env_clear().envs(origin.env()).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A mirror in whose home another keyring and other signers would be found, if anybody looked there.
fn mirror(origin: &Origin) -> Mirror {
    let remote = Remote::new(&origin.url(), Access::None).unwrap();
    Mirror::with(git(origin), &place(origin), remote).unwrap()
}

fn ssh_key(origin: &Origin, name: &str) -> PathBuf {
    let file = origin.scratch().join(name);
    run(origin, "ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", &file.to_string_lossy()]);
    file
}

fn allowed(origin: &Origin, file: &str, who: &str, key: &Path) -> PathBuf {
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let path = origin.scratch().join(file);
    std::fs::write(&path, format!("{who} {public}")).unwrap();
    path
}

fn signed_by_ssh(origin: &Origin, key: &Path, name: &str) -> String {
    origin.write(name, name);
    origin.git(&["add", "--all"]);
    let key = format!("user.signingKey={}", key.display());
    origin.git(&["-c", "gpg.format=ssh", "-c", &key, "commit", "--quiet", "--gpg-sign", "--message", name]);
    origin.head()
}

#[test]
fn signatures_of_ssh() {
    let origin = Origin::new();
    let plain = id(&origin.commit(&[("a", "x")], "plain"));
    let (key, other) = (ssh_key(&origin, "key"), ssh_key(&origin, "other"));
    let good = id(&signed_by_ssh(&origin, &key, "good"));
    let foreign = id(&signed_by_ssh(&origin, &other, "foreign"));
    // The message is another than the one that was signed.
    let object = origin.git(&["cat-file", "commit", good.as_str()]).replace("\n\ngood", "\n\nevil");
    std::fs::write(origin.scratch().join("object"), object + "\n").unwrap();
    let file = origin.scratch().join("object").display().to_string();
    let broken = id(&origin.git(&["hash-object", "-t", "commit", "-w", &file]));
    origin.git(&["update-ref", "refs/heads/broken", broken.as_str()]);
    let mirror = mirror(&origin);
    mirror.fetch("main").unwrap();
    mirror.fetch("broken").unwrap();
    let file = allowed(&origin, "signers", "dev@example.org", &key);
    let signers = Signers { allowed_signers: Some(file), gnupg_home: None };
    let signed = mirror.verify(&good, &signers).unwrap();
    assert_eq!(signed.by, "dev@example.org");
    let fingerprint = run(&origin, "ssh-keygen", &["-l", "-f", &key.with_extension("pub").to_string_lossy()]);
    assert!(
        fingerprint.contains(&signed.key) && signed.key.starts_with("SHA256:"),
        "{fingerprint}: {signed:?}"
    );
    assert!(matches!(mirror.verify(&plain, &signers), Err(SignatureError::Unsigned)));
    assert!(matches!(
        mirror.verify(&broken, &signers),
        Err(SignatureError::Broken | SignatureError::Untrusted { .. })
    ));
    let error = mirror.verify(&foreign, &signers).unwrap_err();
    assert!(matches!(&error, SignatureError::Untrusted { key: Some(_) }), "{error:?}");
    assert!(error.help().is_some());
    // Nobody counts where nobody is named, or the file is not there.
    assert!(mirror.verify(&good, &Signers::default()).is_err());
    let missing = Signers { allowed_signers: Some(origin.scratch().join("none")), gnupg_home: None };
    assert!(mirror.verify(&good, &missing).is_err());
}

/// Git looks at one header of a signature and leaves the one for the other kind of ids alone; so do we.
#[test]
fn a_second_header_does_not_make_a_stranger_s_signature_one_of_another_kind() {
    let origin = Origin::new();
    origin.commit(&[("a", "x")], "plain");
    let signed = signed_by_ssh(&origin, &ssh_key(&origin, "stranger"), "by a stranger");
    let decoy = "gpgsig-sha256 -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\ngpgsig ";
    let object = origin.git(&["cat-file", "commit", &signed]).replacen("gpgsig ", decoy, 1);
    std::fs::write(origin.scratch().join("object"), object + "\n").unwrap();
    let file = origin.scratch().join("object").display().to_string();
    let forged = origin.git(&["hash-object", "-t", "commit", "-w", &file]);
    origin.git(&["update-ref", "refs/heads/main", &forged]);
    let mirror = mirror(&origin);
    let head = mirror.fetch("main").unwrap();
    // A folder without any key: nobody counts.
    let nobody = Keyring::new(&origin, "nobody");
    let signers = Signers { allowed_signers: None, gnupg_home: Some(nobody.home.clone()) };
    assert!(matches!(mirror.verify(&head, &signers), Err(SignatureError::Untrusted { .. })));
    let nothing = allowed(&origin, "signers", "dev@example.org", &ssh_key(&origin, "key"));
    let both = Signers { allowed_signers: Some(nothing), ..signers };
    assert!(matches!(mirror.verify(&head, &both), Err(SignatureError::Untrusted { .. })));
}

fn gpg(origin: &Origin, home: &Path, args: &[&str]) -> String {
    let home = home.to_string_lossy();
    run(
        origin,
        "gpg",
        &[&["--homedir", &home, "--batch", "--quiet", "--no-tty", "--passphrase", ""], args].concat(),
    )
}

/// Its agent ends when the folder is taken away; it is asked to, so that it does not have to notice.
struct Keyring {
    home: PathBuf,
}

impl Keyring {
    fn new(origin: &Origin, name: &str) -> Self {
        use std::os::unix::fs::DirBuilderExt;
        let home = origin.scratch().join(name);
        std::fs::DirBuilder::new().mode(0o700).create(&home).unwrap();
        Self { home }
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        let home = self.home.to_string_lossy().into_owned();
        let _ = Command::new("gpgconf").args(["--homedir", &home, "--kill", "all"]).status();
    }
}

#[test]
fn signatures_of_openpgp() {
    let origin = Origin::new();
    origin.commit(&[("a", "x")], "plain");
    let (maker, trusted) = (Keyring::new(&origin, "g1"), Keyring::new(&origin, "g2"));
    gpg(&origin, &maker.home, &["--quick-generate-key", "Dev <dev@example.org>", "ed25519", "sign", "never"]);
    let listed = gpg(&origin, &maker.home, &["--with-colons", "--list-keys"]);
    let fingerprint =
        listed.lines().find_map(|line| line.strip_prefix("fpr:")).unwrap().trim_matches(':').to_owned();
    let public = origin.scratch().join("public").display().to_string();
    gpg(&origin, &maker.home, &["--output", &public, "--export"]);
    gpg(&origin, &trusted.home, &["--import", &public]);
    let wrapper = super::support::program(
        &origin,
        "maker",
        &format!("#!/bin/sh\nexec gpg --homedir {} --batch --passphrase '' \"$@\"\n", maker.home.display()),
    );
    let sign = format!("gpg.program={}", wrapper.display());
    let key = format!("user.signingKey={fingerprint}");
    origin.write("b", "y");
    origin.git(&["add", "--all"]);
    origin.git(&["-c", &sign, "-c", &key, "commit", "--quiet", "--gpg-sign", "--message", "signed"]);
    let mirror = mirror(&origin);
    let head = mirror.fetch("main").unwrap();
    let signers = |home: &Path| Signers { allowed_signers: None, gnupg_home: Some(home.to_owned()) };
    let signed = mirror.verify(&head, &signers(&trusted.home)).unwrap();
    assert_eq!((signed.key.as_str(), signed.by.as_str()), (fingerprint.as_str(), "Dev <dev@example.org>"));
    let empty = Keyring::new(&origin, "g3");
    let error = mirror.verify(&head, &signers(&empty.home)).unwrap_err();
    assert!(matches!(error, SignatureError::Untrusted { .. }), "{error:?}");
    // The other kind of signers says nothing about this one.
    let file = origin.scratch().join("signers");
    std::fs::write(&file, "").unwrap();
    let other = Signers { allowed_signers: Some(file), gnupg_home: None };
    assert!(matches!(mirror.verify(&head, &other), Err(SignatureError::Untrusted { .. })));
}
