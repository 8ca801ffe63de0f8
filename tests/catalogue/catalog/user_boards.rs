//! Boards and types of a user's own.

use super::catalog;
use super::commands::warpshare;
use warpshare::catalog::{Catalog, Mode, Series};
use warpshare::diagnostics::Diagnostic;

/// The boards file of the documentation.
fn documented() -> String {
    let page = include_str!("../../../docs/catalogue.md");
    let mut parts = page.split("```toml\n");
    let example = parts.nth(1).expect("the page has an example");
    example.split("```").next().unwrap_or_default().to_owned()
}

fn with(text: &str) -> Catalog {
    let mut catalog = catalog();
    if let Err(errors) = catalog.add_user_file("b.toml", text) {
        panic!(
            "{}",
            errors.iter().map(Diagnostic::render).collect::<String>()
        );
    }
    catalog
}

fn errors(text: &str) -> Vec<Diagnostic> {
    let mut catalog = catalog();
    let errors = catalog
        .add_user_file("b.toml", text)
        .expect_err("the file is not valid");
    assert_eq!(
        catalog.gpus().len(),
        57,
        "nothing of a refused file is kept"
    );
    errors
}

/// (line, column, title) of each error.
fn found(text: &str) -> Vec<(usize, usize, String)> {
    errors(text)
        .into_iter()
        .map(|e| {
            let (line, column) = e.position().unwrap_or((0, 0));
            (line, column, e.title)
        })
        .collect()
}

#[test]
fn the_documented_file_loads() {
    let catalog = with(&documented());
    let board = catalog.gpu("my-a40").expect("the example adds it");
    assert_eq!((board.copy_engines, board.sm_count), (Some(2), Some(84)));
    assert!(!board.unknown_fields.contains(&"copy_engines".to_owned()));
    assert_eq!(
        board.source_of("copy_engines"),
        Some("deviceQuery on host 7, driver 570")
    );
    assert_eq!(board.source_of("max_vfs"), Some("VFA40"));
    let own = catalog
        .vgpu_type("my-a40", "A40-5Q")
        .expect("the example adds it");
    assert_eq!((own.frame_buffer_mib, own.max_per_gpu), (5120, Some(9)));
    assert_eq!(
        (own.series, own.mode, own.cuda),
        (Series::Q, Mode::TimeSliced, true)
    );
    let types = catalog.vgpu_types("a40").count();
    assert_eq!(catalog.vgpu_types("my-a40").count(), types + 1);
    assert_eq!(catalog.vgpu_type("a40", "A40-5Q"), None);
    assert_eq!(
        catalog
            .vgpu_type("a40", "A40-3B")
            .and_then(|t| t.max_per_gpu),
        Some(16)
    );
}

#[test]
fn boards_may_build_on_each_other_in_any_order() {
    let catalog =
        with("[boards.a]\nlike = \"b\"\nnvenc = 3\n[boards.b]\nlike = \"l4\"\nsm_count = 30\n");
    let a = catalog.gpu("a").expect("a");
    assert_eq!((a.sm_count, a.nvenc), (Some(30), Some(3)));
    assert_eq!(a.source_of("sm_count"), Some("b.toml:6"));
    assert!(catalog.vgpu_type("a", "L4-4Q").is_some());
}

#[test]
fn a_catalogue_board_can_be_corrected_in_place() {
    let catalog = with("[boards.t4]\nnvenc = 1\nmig_capable = false\nmemory_gib = 15.5\n");
    let t4 = catalog.gpu("t4").expect("T4");
    assert_eq!(
        (t4.nvenc, t4.sm_count, t4.memory_gib),
        (Some(1), Some(40), Some(15.5))
    );
    assert_eq!(catalog.gpus().len(), 57);
    // A user's figure binds, whatever the types' names say.
    assert_eq!(catalog.frame_buffer_mib("t4"), Some(15_872));
}

#[test]
fn a_board_from_nothing_knows_only_what_it_is_told() {
    let catalog = with("[boards.x]\narchitecture = \"Ampere\"\nsm_count = 10\n");
    let x = catalog.gpu("x").expect("x");
    assert_eq!(
        (x.name.as_str(), x.memory_gib, x.vgpu_capable),
        ("x", None, None)
    );
    assert_eq!(x.unknown_fields.len(), 24);
    assert_eq!(catalog.frame_buffer_mib("x"), None);
    let lacking = found("[boards.x]\nsm_count = 10\n");
    assert_eq!(
        lacking,
        [(1, 9, "board `x` lacks `architecture`".to_owned())]
    );
}

#[test]
fn all_errors_come_at_once_with_their_places() {
    let text = "\
[bords.x]
[boards.a]
like = \"a41\"
sm_cuont = 3
copy_engines = \"unknown\"
memory_gib = -1
[boards.a40]
like = \"l4\"
[boards.c]
like = \"d\"
[boards.d]
like = \"c\"
[vgpu_types.a4o.\"X\"]
[vgpu_types.a40.\"A40-9Q\"]
like = \"A40-8X\"
[vgpu_types.a40.Own]
series = \"Z\"
max_per_gpu = 0
[vgpu_types.a40.\"b d\"]
";
    let found = found(text);
    let expected = [
        (1, 2, "unknown key `bords`"),
        (3, 8, "there is no board `a41`"),
        (4, 1, "unknown key `sm_cuont` in `a`"),
        (5, 16, "`copy_engines` of `a` has a value it cannot have"),
        (6, 14, "`memory_gib` of `a` has a value it cannot have"),
        (8, 8, "board `a40` exists already"),
        (10, 8, "board `c` is like itself"),
        (12, 8, "board `d` is like itself"),
        (13, 13, "there is no board `a4o`"),
        (15, 8, "board `a40` has no vGPU type `A40-8X`"),
        (16, 17, "vGPU type `Own` lacks `mode`, `frame_buffer_mib`"),
        (17, 10, "`series` of `Own` has a value it cannot have"),
        (18, 15, "`max_per_gpu` of `Own` has a value it cannot have"),
        (19, 17, "`b d` cannot be the name of a vGPU type"),
    ];
    let expected: Vec<_> = expected.map(|(l, c, t)| (l, c, t.to_owned())).to_vec();
    assert_eq!(found, expected);
    let helps: Vec<String> = errors(text).into_iter().filter_map(|e| e.help).collect();
    for help in [
        "did you mean `boards`?",
        "did you mean `a40`?",
        "did you mean `sm_count`?",
    ] {
        assert!(helps.iter().any(|h| h == help), "{help}");
    }
    assert!(helps.iter().any(|h| h == "did you mean `A40-8Q`?"));
    assert!(helps.iter().any(|h| h.contains("stays unknown")));
}

#[test]
fn what_builds_on_a_wrong_board_adds_no_noise() {
    let one = found("[boards.a]\nsm_count = 3\n[boards.b]\nlike = \"a\"\n[vgpu_types.b.X]\n");
    assert_eq!(one, [(1, 9, "board `a` lacks `architecture`".to_owned())]);
}

#[test]
fn a_type_from_nothing_needs_its_main_figures() {
    let type_of = |keys: &str| format!("[vgpu_types.a40.Own]\n{keys}\n");
    let lacks = found(&type_of("series = \"C\""));
    assert_eq!(lacks.len(), 1);
    let expected = "vGPU type `Own` lacks `mode`, `frame_buffer_mib`, `max_per_gpu`, `cuda`";
    assert_eq!(lacks[0].2, expected);
    let keys = "series = \"B\"\nmode = \"time_sliced\"\nframe_buffer_mib = 2048\nmax_per_gpu = 3";
    let catalog = with(&type_of(keys));
    let own = catalog.vgpu_type("a40", "Own").expect("just added");
    assert!(!own.cuda);
    assert_eq!(own.source.as_deref(), Some("b.toml:1"));
}

#[test]
fn syntax_errors_have_a_place() {
    let found = found("[boards.a]\nlike = a40\n");
    assert_eq!(found[0].0, 2, "{found:?}");
}

#[test]
fn the_commands_read_a_boards_file() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let path = file.path().to_str().expect("a path in UTF-8");
    std::fs::write(path, documented()).expect("it can be written");
    let (code, out, err) = warpshare(&["gpus", "show", "my-a40", "--boards", path]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("deviceQuery on host 7"), "{out}");
    let (_, out, _) = warpshare(&["vgpu", "types", "--gpu", "my-a40", "--boards", path]);
    assert!(out.contains("A40-5Q"), "{out}");
    std::fs::write(path, "[boards.x]\nlike = \"a41\"\n").expect("it can be written");
    let (code, out, err) = warpshare(&["gpus", "--boards", path]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.contains(":2:8") && err.contains("did you mean `a40`?"),
        "{err}"
    );
}
