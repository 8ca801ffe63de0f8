//! `warpshare calibrate`: the session of its page, the workload that it writes, and its errors.
//!
//! To rewrite the session in `docs/calibrate.md`:
//!
//! ```text
//! cargo test --test validation calibrate -- --ignored rewrite_the_session
//! ```

use assert_cmd::Command;
use std::fs;
use std::path::{Path, PathBuf};
use warpshare::calibrate::points::Reading;
use warpshare::calibrate::{Model, Options, Setting, Work, fit, points};
use warpshare::catalog::Catalog;
use warpshare::experiment::{self, Silent};
use warpshare::scenario::{Overrides, parse};

const PAGE: &str = "docs/calibrate.md";
const FIGURE: &str = "docs/img/calibrate-resnet50.png";
const POINTS: &str = "scenarios/calibrate/resnet50_mig.csv";
const SESSION: [&str; 7] = [
    "calibrate",
    POINTS,
    "--gpu=a100-sxm4-80gb",
    "--name=resnet50",
    "--hold-out=mig_profile=1g.10gb",
    "--batch=8",
    "--out=resnet50.toml",
];

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs the command in a folder that has the example; exit code, stdout, stderr.
fn run_in(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::cargo_bin("warpshare")
        .expect("the binary is built")
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().unwrap_or(-1);
    (code, text(output.stdout), text(output.stderr))
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join(POINTS);
    fs::create_dir_all(copy.parent().expect("a parent")).expect("folders");
    fs::copy(repository(POINTS), copy).expect("the example");
    folder
}

/// A file `points.csv` with this text, and what the command says of it.
fn of(text: &str, arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("points.csv"), text).expect("written");
    run_in(
        folder.path(),
        &[&["calibrate", "points.csv"], arguments].concat(),
    )
}

fn refused(text: &str, arguments: &[&str]) -> String {
    let (code, out, err) = of(text, arguments);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    err
}

/// The page with the session as it should be, and its figure.
fn page_as_it_should_be(page: &str) -> (String, Vec<u8>) {
    let folder = folder();
    let (code, out, err) = run_in(folder.path(), &[&SESSION[..], &["--plot=p.png"]].concat());
    assert_eq!(code, 0, "{err}");
    for line in out.lines() {
        assert!(line.chars().count() <= 100, "{line}");
        assert_eq!(line, line.trim_end());
    }
    let workload = fs::read_to_string(folder.path().join("resnet50.toml")).expect("written");
    let mut page = page.to_owned();
    for (name, kind, text) in [("session", "text", out), ("workload", "toml", workload)] {
        let begin = format!("<!-- {name}: generated -->\n");
        let end = format!("<!-- end of {name} -->");
        let (head, rest) = page.split_once(&begin).expect("the start of a block");
        let (_, tail) = rest.split_once(&end).expect("the end of a block");
        page = format!("{head}{begin}\n```{kind}\n{text}```\n\n{end}{tail}");
    }
    (
        page,
        fs::read(folder.path().join("p.png")).expect("the plot"),
    )
}

#[test]
fn the_page_has_the_session() {
    let page = fs::read_to_string(repository(PAGE)).expect("the page");
    let wanted = page_as_it_should_be(&page);
    let figure = fs::read(repository(FIGURE)).expect("the figure");
    assert!(
        (&page, &figure) == (&wanted.0, &wanted.1),
        "{PAGE} is out of date; rewrite it with\n\
         cargo test --test validation calibrate -- --ignored rewrite_the_session"
    );
}

#[test]
#[ignore = "rewrites docs/calibrate.md"]
fn rewrite_the_session() {
    let page = fs::read_to_string(repository(PAGE)).expect("the page");
    let (page, figure) = page_as_it_should_be(&page);
    fs::write(repository(PAGE), page).expect("written");
    fs::write(repository(FIGURE), figure).expect("written");
}

/// Mean response of the calibrated workload in the simulator, in ms, on a board that is divided or
/// shared as `gpu` says.
fn simulated(workload: &str, gpu: &str, guest: &str) -> f64 {
    let scenario = format!(
        "[run]\nduration = \"2s\"\nreplications = 2\nbaselines = false\n[gpus.a]\n\
         board = \"a100-sxm4-80gb\"\n{gpu}\n[guests.only]\ncontext = true\n{guest}\n\
         workload = \"resnet50\"\n{workload}"
    );
    let loaded = parse("s", &scenario, Path::new("."), &Overrides::default());
    let loaded = loaded.unwrap_or_else(|errors| {
        panic!("{}", errors.iter().map(|e| e.render()).collect::<String>())
    });
    let options = experiment::Options::default();
    let result = experiment::run(&loaded.scenario, &options, &Silent).expect("it runs");
    let mean_ns = result.guests[0].response.mean_ns.value.expect("jobs ended");
    mean_ns / 1e6
}

/// The workload runs, and on the whole board, on each MIG slice and under an SM limit it takes what
/// the model says: the simulator and the fit have the same law.
#[test]
fn the_workload_takes_as_long_as_the_model_says() {
    let folder = folder();
    let (code, _, err) = run_in(folder.path(), &SESSION);
    assert_eq!((code, err.as_str()), (0, "workload in resnet50.toml\n"));
    let workload = fs::read_to_string(folder.path().join("resnet50.toml")).expect("written");
    let (code, out, err) = run_in(folder.path(), &[&SESSION[..6], &["--json"]].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let value = |name: &str| {
        let all = report["parameters"].as_array().expect("parameters");
        let one = all.iter().find(|p| p["name"] == name).expect("it");
        one["value"].as_f64().expect("a number")
    };
    let gpu = value("gpu_fixed_ms") + 8.0 * value("gpu_per_item_ms");
    let (need, memory_bound) = (value("sm_need"), value("memory_bound"));
    let expected = |sms: f64, bandwidth: f64| {
        let compute = (1.0 - memory_bound) * (need * 108.0 / sms).max(1.0);
        let stretch = compute + memory_bound / bandwidth;
        value("serial_ms") + value("beside_ms").max(gpu * stretch)
    };
    let check = |what: &str, found: f64, wanted: f64| {
        // The numbers of the workload are rounded: times to a nanosecond, the memory-bound share to
        // four digits.
        let close = (found / wanted - 1.0).abs() < 1e-4;
        assert!(close, "{what}: {found} ms, {wanted} ms");
    };
    check("whole", simulated(&workload, "", ""), expected(108.0, 1.0));
    let catalog = Catalog::builtin().expect("the catalogue");
    for profile in ["1g.10gb", "2g.20gb", "3g.40gb", "7g.80gb"] {
        let found = simulated(
            &workload,
            &format!("instances.i = {{ profile = \"{profile}\" }}"),
            "on = \"a.i\"",
        );
        let row = catalog
            .mig_profiles("a100-sxm4-80gb")
            .find(|row| row.profile == profile);
        let row = row.expect("the profile");
        let sms = f64::from(row.sm_count.expect("known"));
        let slices = f64::from(row.memory_slices) / f64::from(row.memory_slices_total);
        check(profile, found, expected(sms, slices));
    }
    let found = simulated(
        &workload,
        "share.mode = \"spatial\"",
        "active_thread_percentage = 25",
    );
    // A reach of 2: a quarter of the SMs draw half of the bandwidth, or more if not all can be filled.
    let drawn = |sms: f64| (2.0 * sms / (need * 108.0)).min(1.0);
    check("a quarter of the SMs", found, expected(27.0, drawn(27.0)));
}

/// Busy tenants without host work take what the saturated term of the model says, if they do not
/// interfere: the simulator and the fit share SMs and bandwidth alike.
#[test]
fn busy_tenants_take_as_long_as_the_model_says() {
    for (sms, memory_bound, tenants) in [
        (108, 0.34, 2),
        (108, 0.34, 5),
        (54, 0.5, 2),
        (54, 0.5, 4),
        (108, 1.0, 3),
        (27, 0.9, 3),
    ] {
        let workload = format!(
            "[workloads.resnet50]\narrivals = {{ process = \"closed\" }}\n\
             stages.step.gpu = {{ time = \"8ms\", sms = {sms}, memory_bound = {memory_bound} }}\n"
        );
        let found = simulated(
            &workload,
            "share = { mode = \"spatial\", interference = 0 }",
            &format!("count = {tenants}"),
        );
        let model = Model {
            need: f64::from(sms) / 108.0,
            memory_bound,
            ..Model::gpu_only(Work::Each(vec![(1, 8.0)]))
        };
        let wanted = model.latency_ms(&Setting {
            sms: 1.0,
            bandwidth: 1.0,
            tenants,
            batch: 1,
        });
        let wanted = wanted.expect("a batch of 1");
        assert!(
            (found / wanted - 1.0).abs() < 1e-6,
            "{tenants} tenants, {sms} SMs, {memory_bound}: {found} ms, {wanted} ms"
        );
    }
}

#[test]
fn plots_and_json_are_written_and_repeat() {
    let folder = folder();
    let arguments = [&SESSION[..5], &["--plot=plots"]].concat();
    let (code, out, err) = run_in(folder.path(), &arguments);
    assert_eq!(code, 0, "{err}");
    let read = |name: &str| fs::read(folder.path().join("plots").join(name)).expect(name);
    let (svg, png) = (read("calibration.svg"), read("calibration.png"));
    let text = String::from_utf8(svg.clone()).expect("UTF-8");
    // A disc and its rim for each row, and a swatch for each of the two groups.
    assert_eq!(text.matches("<circle").count(), 2 * 36 + 2);
    assert!(
        text.contains("27 rows to calibrate on · 9 held back"),
        "{text}"
    );
    assert!(png.starts_with(b"\x89PNG"));
    assert_eq!(run_in(folder.path(), &arguments).1, out);
    assert_eq!(
        (read("calibration.svg"), read("calibration.png")),
        (svg, png)
    );
    for (target, there, not) in [
        ("one.svg", "one.svg", "one.png"),
        ("two.png", "two.png", "two.svg"),
    ] {
        let plot = format!("--plot={target}");
        let (code, _, err) = run_in(folder.path(), &[&SESSION[..5], &[&plot]].concat());
        assert_eq!(code, 0, "{err}");
        assert!(folder.path().join(there).exists() && !folder.path().join(not).exists());
    }
}

/// Every way to write a share reads the same.
#[test]
fn shares_may_be_written_in_many_ways() {
    let read = |text: &str| {
        let how = Reading {
            board_sms: Some(108),
            profiles: None,
            only: &[],
            hold_out: &[],
        };
        let found = points::read("p.csv", text, &how).expect("points");
        found.rows[0].point
    };
    let wanted = Setting {
        sms: 0.5,
        bandwidth: 0.25,
        tenants: 1,
        batch: 8,
    };
    for text in [
        "sm_share,memory_share,batch,latency_ms\n0.5,1/4,8,40",
        "latency_ms,batch,sm_share,memory_share\r\n40,8,50 %,25%\r\n",
        "\u{feff}sm_percent,memory_ratio,batch,latency_ms,note\n50,4,8,40,\"a, \"\"b\"\"\"\n",
        "sm_ratio,memory_ratio,tenants,batch,throughput_per_s\n\n2, 4 ,1,8,200\n",
        "sms,memory_share,batch,mig_profile,latency_ms\n54,0.25,8,odd,40\n",
    ] {
        let point = read(text);
        assert_eq!(point.at, wanted, "{text}");
        assert!((point.latency_ms - 40.0).abs() < 1e-9, "{text}");
    }
}

#[test]
fn few_rows_say_which_parameter_they_cannot_show() {
    let (code, out, err) = of("sm_share,latency_ms\n1,10\n0.1,80\n", &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    for part in [
        "serial_ms not shown: fewer different settings than parameters",
        "sm_need not shown: one batch and one tenant: it looks like beside_ms",
        "there are as many parameters as rows",
    ] {
        assert!(out.contains(part), "{out}");
    }
    let (_, out, _) = of("latency_ms\n10\n", &[]);
    assert!(
        out.contains("all rows have one batch, SM share and number of tenants"),
        "{out}"
    );
}

#[test]
fn wrong_cells_are_shown_all_at_once() {
    let text = "sm_share,tenants,batch,latency_ms\n\
                50,1,1,10\n\
                0.5,0,1.5,10\n\
                0.5,1,1,-3 ms\n\
                0.5,1,1,0\n\
                0.5,1\n\
                x,1,1,\n";
    insta::assert_snapshot!(refused(text, &[]));
}

#[test]
fn wrong_headers_and_choices_name_the_nearest() {
    let mut all = String::new();
    for (text, arguments) in [
        ("sm_shair,latency_ms\n1,10\n", &[][..]),
        ("batch,latency\n1,10\n", &[]),
        ("latency_ms,throughput_per_s\n1,10\n", &[]),
        ("sm_share,sms,latency_ms\n1,108,10\n", &[]),
        ("sms,latency_ms\n108,10\n", &[]),
        ("mig_profile,latency_ms\n7g.80gb,10\n", &[]),
        (
            "mig_profile,latency_ms\n9g.80gb,10\n",
            &["--gpu=a100-sxm4-80gb"],
        ),
        ("model,latency_ms\nbert,10\n", &["--only=modle=bert"]),
        ("model,latency_ms\nbert,10\n", &["--only=model=gpt"]),
        ("model,latency_ms\nbert,10\n", &["--hold-out=model=bert"]),
        ("", &[]),
        ("latency_ms\n", &[]),
        ("latency_ms\n1e-7\n1e300\n", &[]),
        ("latency_ms\n10\n", &["--batch=3"]),
        ("latency_ms\n10\n", &["--name=a b"]),
        ("latency_ms\n10\n", &["--gpu=a100-sxm4-80"]),
    ] {
        all += &format!("$ {}\n{}\n", arguments.join(" "), refused(text, arguments));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn wrong_options_are_refused() {
    for (argument, part) in [
        ("--fix=memory_bond=0.3", "did you mean `memory_bound`?"),
        (
            "--fix=memory_bound=33",
            "memory_bound is a part of the whole, not 33",
        ),
        ("--fix=serial_ms=-1", "serial_ms is a time in ms, not -1"),
        ("--fix=serial_ms", "PARAMETER=VALUE"),
        ("--clock=1=1,0.5=1.2", "parts that increase"),
        ("--hold-out=batch", "COLUMN=VALUE"),
        ("--work=square", "linear and each"),
    ] {
        let err = refused("latency_ms\n10\n", &[argument]);
        assert!(err.contains(part), "{err}");
    }
    let (code, _, err) = of("latency_ms\n10\n", &["--out=points.csv/no.toml"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("cannot write points.csv/no.toml"), "{err}");
}

/// What is fixed or given by a clock is used.
#[test]
fn given_values_are_used() {
    let text = "sm_share,latency_ms\n1,10\n0.5,16\n";
    let how = Reading {
        board_sms: None,
        profiles: None,
        only: &[],
        hold_out: &[],
    };
    let points = points::read("p.csv", text, &how)
        .expect("points")
        .calibration();
    let free = fit(&points, &Options::default()).expect("a fit");
    assert!((free.model.beside_ms - 10.0).abs() < 0.01, "{free:?}");
    let (code, out, err) = of(
        text,
        &["--clock=0.5=1.25,1=1", "--fix=serial_ms=0", "--json"],
    );
    assert_eq!((code, err.as_str()), (0, ""));
    let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let parameters = report["parameters"].as_array().expect("parameters");
    assert_eq!(parameters[0]["verdict"], "given");
    assert_eq!(parameters[1]["verdict"], "not needed");
    let work = parameters[2]["value"].as_f64().expect("a number");
    assert!((work - 10.0).abs() < 0.01, "{out}");
}
