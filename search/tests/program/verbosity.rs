//! The amount of messages beside the result.

use super::{program, said, short, text, thomson};
use std::fs;

#[test]
fn quiet_leaves_warnings_alone_and_verbose_says_what_is_trained() {
    let folder = tempfile::tempdir().unwrap();
    let (parameters, design, run) = (
        folder.path().join("parameters.toml"),
        folder.path().join("design.csv"),
        folder.path().join("run"),
    );
    fs::write(
        &parameters,
        "[[parameter]]\nname = \"a\"\nlow = 1\nhigh = 2\n",
    )
    .unwrap();
    let design = ["design", text(&parameters), "-n", "3", "-o", text(&design)];
    let usual = program(&design);
    assert!(usual.status.success());
    assert!(said(&usual).starts_with("note: Sobol points"), "{usual:?}");
    let quiet = program(&[&design[..], &["--quiet"]].concat());
    assert!(quiet.status.success());
    assert_eq!(said(&quiet), "");
    let both = program(&[&design[..], &["-q", "-v"]].concat());
    assert_eq!(both.status.code(), Some(2));

    let (data, options) = (thomson(), short("20", text(&run)));
    let search = [&["search", text(&data)][..], &options, &["--verbose"]].concat();
    let verbose = program(&search);
    assert!(verbose.status.success(), "{}", said(&verbose));
    for line in ["trains gated, ", " steps of "] {
        assert!(said(&verbose).contains(line), "{}", said(&verbose));
    }
}
