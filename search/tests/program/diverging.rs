//! A training whose weights diverge.

use super::thomson;
use dense_search::data::{Dataset, ReadOptions};
use dense_search::search::{Extent, Input, Search, SearchSettings, emulator_file};
use dense_search::training::Choices;

#[test]
fn a_run_of_which_nothing_is_finite_says_so_whenever_it_is_asked_for() {
    let path = thomson();
    let options = ReadOptions::default();
    let input = Input {
        data: Dataset::read(&path, &options).unwrap(),
        path: Some(path),
        options,
    };
    let mut settings = SearchSettings::default();
    settings.extent = Extent::Steps(100);
    settings.choices = Choices {
        rate: 1e12,
        ..Choices::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let error = Search::new(settings)
        .run(&input, &run, &|_| {})
        .unwrap_err();
    assert!(
        error.to_string().contains("every training has diverged"),
        "{error}"
    );
    assert!(!emulator_file(&run).exists());

    // Resuming the run fails at once instead of repeating the same steps.
    let path = super::text(&run);
    let data = thomson();
    let calls: [&[&str]; 4] = [
        &["resume", path],
        &["evaluate", path, super::text(&data)],
        &["report", path, "-o", "report.html"],
        &["search", super::text(&data), "--out", path],
    ];
    for arguments in calls {
        let output = super::program(arguments);
        let said = super::said(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        for part in [
            "ended with an error",
            "every training has diverged",
            "another folder",
        ] {
            assert!(said.contains(part), "{arguments:?}, {part}: {said}");
        }
    }
}
