//! Results folders appear complete or not at all, and never over somebody else's files.

use std::fs;
use std::path::Path;
use tempfile::TempDir;
use warpshare::report::figures::{Figures, Forms};
use warpshare::report::folder::{FolderError, MARKER, Staging, check_target};
use warpshare::report::from_json;
use warpshare::result::RunResult;

fn write(target: &Path, result: &RunResult) -> Result<(), FolderError> {
    let staging = Staging::new(target)?;
    let figures = Figures::of_run(result, Forms::All);
    staging.write(result, &figures)?;
    staging.publish()?;
    let remarks = figures.draw_into(target, |step| step());
    assert_eq!(remarks, Vec::<String>::new());
    Ok(())
}

/// What a folder holds without its figures.
fn put(staging: &Staging, result: &RunResult) -> Result<(), FolderError> {
    staging.write(result, &Figures::of_run(result, Forms::None))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_new_folder_has_every_file_and_its_readme_names_each() {
    let place = TempDir::new().unwrap();
    let target = place.path().join("deep/er/mine");
    let result = crate::synthetic::calm();
    write(&target, &result).unwrap();
    let names = names(&target);
    assert_eq!(
        names,
        [
            MARKER,
            "README.txt",
            "gpu_split.png",
            "gpu_split.svg",
            "gpus.csv",
            "guests.csv",
            "latency_cdf.png",
            "latency_cdf.svg",
            "latency_histogram.csv",
            "members.csv",
            "objectives.csv",
            "replications.csv",
            "response_times.png",
            "response_times.svg",
            "summary.json",
            "summary.txt",
            "timeline.csv",
            "utilisation.png",
            "utilisation.svg",
        ]
    );
    let readme = fs::read_to_string(target.join("README.txt")).unwrap();
    for name in names
        .iter()
        .filter(|n| !["README.txt", MARKER].contains(&n.as_str()))
    {
        let stem = name
            .strip_suffix(".png")
            .map_or(name.clone(), |s| format!("{s}.svg, .png"));
        assert!(readme.contains(&stem), "README.txt does not name {name}");
    }
    let json = fs::read_to_string(target.join("summary.json")).unwrap();
    assert_eq!(from_json(&json).unwrap(), result);
}

#[test]
fn equal_results_give_equal_folders() {
    let place = TempDir::new().unwrap();
    let (one, two) = (place.path().join("one"), place.path().join("two"));
    write(&one, &crate::synthetic::troubled()).unwrap();
    write(&two, &crate::synthetic::troubled()).unwrap();
    for name in names(&one) {
        assert_eq!(
            fs::read(one.join(&name)).unwrap(),
            fs::read(two.join(&name)).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn our_own_folder_is_replaced_as_a_whole() {
    let place = TempDir::new().unwrap();
    let target = place.path().join("mine");
    write(&target, &crate::synthetic::calm()).unwrap();
    fs::write(target.join("left-over.txt"), "old").unwrap();
    write(&target, &crate::synthetic::troubled()).unwrap();
    assert!(!target.join("left-over.txt").exists());
    let text = fs::read_to_string(target.join("summary.txt")).unwrap();
    assert!(text.contains("OVERLOADED"));
    assert_eq!(names(place.path()), ["mine"]);
}

#[test]
fn foreign_things_are_refused_and_stay_as_they_are() {
    let place = TempDir::new().unwrap();
    let folder = place.path().join("thesis");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("chapter-1.txt"), "words").unwrap();
    let file = place.path().join("file");
    fs::write(&file, "words").unwrap();
    for target in [
        folder.as_path(),
        &file,
        &file.join("below"),
        Path::new("/"),
        Path::new(""),
    ] {
        let error = write(target, &crate::synthetic::calm()).unwrap_err();
        assert!(
            matches!(error, FolderError::Target { .. } | FolderError::Io { .. }),
            "{error}"
        );
        assert!(check_target(target).is_err());
    }
    assert_eq!(names(place.path()), ["file", "thesis"]);
    assert_eq!(names(&folder), ["chapter-1.txt"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "words");
}

#[test]
fn a_damaged_marker_does_not_make_a_folder_ours() {
    let place = TempDir::new().unwrap();
    let target = place.path().join("mine");
    fs::create_dir(&target).unwrap();
    fs::write(target.join(MARKER), "not json").unwrap();
    let error = check_target(&target).unwrap_err().to_string();
    assert!(error.contains("damaged"), "{error}");
    assert!(error.contains("--out"), "{error}");
}

#[test]
fn an_empty_folder_may_be_filled() {
    let place = TempDir::new().unwrap();
    let target = place.path().join("empty");
    fs::create_dir(&target).unwrap();
    write(&target, &crate::synthetic::calm()).unwrap();
    assert!(target.join("summary.json").exists());
}

#[test]
fn a_folder_that_is_not_published_disappears_and_the_old_one_stays() {
    let place = TempDir::new().unwrap();
    let target = place.path().join("mine");
    write(&target, &crate::synthetic::calm()).unwrap();
    let before = fs::read(target.join("summary.json")).unwrap();
    let staging = Staging::new(&target).unwrap();
    put(&staging, &crate::synthetic::troubled()).unwrap();
    drop(staging);
    assert_eq!(names(place.path()), ["mine"]);
    assert_eq!(fs::read(target.join("summary.json")).unwrap(), before);
}

#[test]
fn old_results_survive_when_writing_fails() {
    let place = TempDir::new().unwrap();
    let target = place.path().join("mine");
    write(&target, &crate::synthetic::calm()).unwrap();
    let before = fs::read(target.join("summary.json")).unwrap();
    let staging = Staging::new(&target).unwrap();
    // Whoever removes the folder under way makes every further step fail.
    fs::remove_dir_all(staging.path()).unwrap();
    assert!(put(&staging, &crate::synthetic::troubled()).is_err());
    assert!(staging.publish().is_err());
    assert_eq!(names(place.path()), ["mine"]);
    assert_eq!(fs::read(target.join("summary.json")).unwrap(), before);
}

#[test]
fn something_foreign_that_appears_during_the_run_is_not_replaced() {
    let place = TempDir::new().unwrap();
    let target = place.path().join("mine");
    let staging = Staging::new(&target).unwrap();
    put(&staging, &crate::synthetic::calm()).unwrap();
    fs::create_dir(&target).unwrap();
    fs::write(target.join("note.txt"), "words").unwrap();
    assert!(matches!(staging.publish(), Err(FolderError::Target { .. })));
    assert_eq!(names(&target), ["note.txt"]);
    assert_eq!(names(place.path()), ["mine"]);
}

#[cfg(unix)]
#[test]
fn results_have_the_permissions_of_any_new_folder() {
    use std::os::unix::fs::PermissionsExt;
    let place = TempDir::new().unwrap();
    let target = place.path().join("mine");
    write(&target, &crate::synthetic::calm()).unwrap();
    let plain = place.path().join("plain");
    fs::create_dir(&plain).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&target), mode(&plain));
}
