//! Files of traces, kernels and logs as people have them, through the program.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases/traces")
}

/// Exit code, stdout and stderr.
fn warpshare(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = assert_cmd::Command::cargo_bin("warpshare")
        .expect("the program")
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().expect("an exit code");
    (code, text(&output.stdout), text(&output.stderr))
}

fn validated(file: &str) -> (String, String) {
    let (code, out, err) = warpshare(&cases(), &["validate", file]);
    assert_eq!(code, 0, "{out}{err}");
    (out, err)
}

/// A scenario of one context with this workload, in a folder with the case files.
fn with_workload(workload: &str, more: &[(&str, &[u8])]) -> (i32, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    for file in fs::read_dir(cases()).expect("the cases") {
        let file = file.expect("a file").path();
        let name = file.file_name().expect("a name").to_owned();
        fs::copy(&file, folder.path().join(name)).expect("a copy");
    }
    for (name, bytes) in more {
        fs::write(folder.path().join(name), bytes).expect("a file");
    }
    let text = format!(
        "[run]\nhorizon = \"terminating\"\nduration = \"200s\"\nreplications = 1\nbaselines = false\n[gpus.a]\n\
         board = \"a100-sxm4-80gb\"\n[guests.g]\ncontext = true\nworkload = \"w\"\n[workloads.w]\n{workload}\n"
    );
    fs::write(folder.path().join("s.toml"), text).expect("a scenario");
    let (code, out, err) = warpshare(folder.path(), &["validate", "s.toml"]);
    if code != 0 {
        return (code, out, err);
    }
    run(folder.path(), "s.toml")
}

/// Exit code, summary and stderr of a run.
fn run(folder: &Path, scenario: &str) -> (i32, String, String) {
    let (code, _, err) = warpshare(folder, &["run", scenario, "--out", "out", "--quiet"]);
    let summary = fs::read_to_string(folder.join("out/summary.json"));
    (code, summary.unwrap_or_default(), err)
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::fast());
    writer.write_all(bytes).expect("memory");
    writer.finish().expect("memory")
}

/// Jobs that arrived, by the result.
fn jobs(json: &str) -> u64 {
    let result: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let guests = result["guests"].as_array().expect("guests");
    let counts = guests.iter().map(|guest| guest["jobs"]["arrived"].as_u64());
    counts.map(|count| count.expect("a count")).sum()
}

#[test]
fn an_unclosed_quote_is_an_error_with_its_line() {
    let (code, out, err) = warpshare(&cases(), &["validate", "uq.toml"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.contains(
            "trace `uq.csv`, line 3: a double quote opens a cell here and is never closed"
        ),
        "{err}"
    );
    let (out, _) = validated("ok.toml");
    assert!(out.contains("ok.csv (5 rows)"), "{out}");
}

#[test]
fn json_lines_are_read_plain_and_packed() {
    let (out, err) = validated("moon1.toml");
    assert!(out.contains("mooncake.jsonl (40 rows)"), "{out}{err}");
    let work = "stages.s.gpu.time = { per = { input_length = \"1us\", output_length = \"1us\" } }";
    let named = "arrivals = { process = \"trace\", file = \"FILE\", time = \"timestamp\", time_format = \"milliseconds\" }";
    let format = "arrivals = { process = \"trace\", file = \"FILE\", format = \"mooncake\" }";
    let lines = fs::read(cases().join("mooncake.jsonl")).expect("the case");
    let gz = packed(&lines);
    let mut results = Vec::new();
    for arrivals in [named, format] {
        for file in ["mooncake.jsonl", "m.jsonl.gz"] {
            let workload = format!("{}\n{work}", arrivals.replace("FILE", file));
            let (code, out, err) = with_workload(&workload, &[("m.jsonl.gz", &gz)]);
            assert_eq!(code, 0, "{err}");
            assert_eq!(jobs(&out), 40);
            results.push(out);
        }
    }
    let mean = |out: &String| {
        let result: serde_json::Value = serde_json::from_str(out).expect("JSON");
        result["guests"][0]["response"].clone()
    };
    assert!(results.iter().all(|out| mean(out) == mean(&results[0])));
}

#[test]
fn rows_of_openb_are_sorted_with_a_remark() {
    let (out, err) = validated("openb.toml");
    assert!(out.contains("openb-shape.csv (2 rows)"), "{out}");
    assert!(
        err.contains("1 row was earlier than the one before in `creation_time`: sorted by time"),
        "{err}"
    );
}

#[test]
fn shapes_of_published_traces_are_read() {
    let azure = "arrivals = { process = \"trace\", file = \"azure2024-shape.csv\", format = \"azure-llm\" }\n\
                 stages.s.gpu.time = { per = { ContextTokens = \"1us\" } }";
    let burst = "arrivals = { process = \"trace\", file = \"burstgpt-shape.csv\", format = \"burstgpt\" }\n\
                 stages.s.gpu.time = { per = { \"Request tokens\" = \"1us\", \"Response tokens\" = \"1ms\" } }";
    for (workload, rows) in [(azure, 4), (burst, 5)] {
        let (code, out, err) = with_workload(workload, &[]);
        assert_eq!(code, 0, "{err}");
        assert_eq!(jobs(&out), rows);
    }
    let named = "arrivals = { process = \"trace\", file = \"burstgpt-shape.csv\", time = \"Timestamp\", time_format = \
                 \"seconds\" }\nstages.s.gpu.time = { base = \"1us\", per = { \"Request tokens\" = \"1us\" } }";
    assert_eq!(jobs(&with_workload(named, &[]).1), 5);
}

#[test]
fn a_gpu_trace_of_nsight_systems_is_a_profile_of_kernels() {
    let workload = "arrivals = { process = \"deterministic\", period = \"1s\" }\nstages.s.kernels.file = \"FILE\"";
    let trace = fs::read(cases().join("nsys_gpu_trace.csv")).expect("the case");
    let gz = packed(&trace);
    let mut results = Vec::new();
    for file in ["nsys_gpu_trace.csv", "n.csv.gz"] {
        let (code, out, err) = with_workload(&workload.replace("FILE", file), &[("n.csv.gz", &gz)]);
        assert_eq!(code, 0, "{err}");
        results.push(out);
    }
    let notices = |out: &String| {
        let result: serde_json::Value = serde_json::from_str(out).expect("JSON");
        result["notices"].to_string()
    };
    let said = notices(&results[0]);
    assert!(
        said.contains("1 copies and memsets (0.012 ms) are left out"),
        "{said}"
    );
    // 812,410,000 - (812,361,234 + 45,312) = 3,454 and 812,420,000 - 812,418,192 = 1,808 ns.
    assert!(
        said.contains("0.005 ms between kernels are left out"),
        "{said}"
    );
    // A job alone: 45,312 + 8,192 + 30,112 ns, if each kernel fits the board in one wave; the second has
    // 1,568 blocks of 128 threads with 32 registers, 16 an SM: 98 SMs.
    let result: serde_json::Value = serde_json::from_str(&results[0]).expect("JSON");
    let mean = result["guests"][0]["response"]["mean_ns"]["value"]
        .as_f64()
        .expect("a mean");
    assert!((mean - 83_616.0).abs() < 1.0, "{mean}");
}

#[test]
fn damaged_packed_files_are_refused() {
    let trace = "arrivals = { process = \"trace\", file = \"t.csv.gz\", time = \"t\", time_format = \"seconds\" }\n\
                 stages.s.gpu.time = \"1ms\"";
    let gz = packed(b"t\n1\n2\n");
    let (code, _, err) = with_workload(trace, &[("t.csv.gz", &gz[..gz.len() - 4])]);
    assert_eq!(code, 2);
    assert!(
        err.contains("cannot read trace `t.csv.gz`: a damaged gzip file"),
        "{err}"
    );
    assert_eq!(jobs(&with_workload(trace, &[("t.csv.gz", &gz)]).1), 2);
}

const VGPU: &str = "\
# gpu        vgpu     sm    mem    enc    dec
# Idx          Id      %      %      %      %
    0  3251634213     10      4      5      -
    0  3251634214      -      -      -      -
    0  3251634213      0      0      0      -
    0  3251634214    100     40      0      -
# gpu        vgpu     sm    mem    enc    dec
# Idx          Id      %      %      %      %
    0  3251634213     30      4      5      -
    0  3251634214      -      -      -      -
    1           -      -      -      -      -
";

fn from(folder: &Path, name: &str, log: &[u8], more: &[&str]) -> (i32, String, String) {
    fs::write(folder.join(name), log).expect("a log");
    let arguments = [&["workload", "from", name][..], more].concat();
    warpshare(folder, &arguments)
}

#[test]
fn utilisation_of_a_vgpu_becomes_a_workload() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let of = "gpu 0 vgpu 3251634213";
    let (code, _, err) = from(folder, "v.log", VGPU.as_bytes(), &["--trace", "t.csv"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("choose one by --of: \"gpu 0 vgpu 3251634213\" (3 samples)"),
        "{err}"
    );
    let (code, _, err) = from(
        folder,
        "v.log",
        VGPU.as_bytes(),
        &["--trace", "t.csv", "--of", of],
    );
    assert_eq!(code, 2);
    assert!(
        err.contains("does not say how many jobs or frames there were"),
        "{err}"
    );
    assert!(!folder.join("t.csv").exists());
    let all = [
        "--trace", "t.csv", "--of", of, "--rate", "2/s", "--on", "a40",
    ];
    let (code, table, err) = from(folder, "v.log", VGPU.as_bytes(), &all);
    assert_eq!(code, 0, "{err}");
    // Two jobs a second: 10 % of half a second is 50 ms of the GPU, 5 % 25 ms of the encoder.
    assert_eq!(
        fs::read_to_string(folder.join("t.csv")).expect("the trace"),
        "time_ms,gpu_ms,enc_ms\n0.000000,50,25\n500.000000,50,25\n2000.000000,150,25\n2500.000000,150,25\n"
    );
    assert!(
        table.contains("of the whole physical GPU") && table.contains("ASSUMED: 2/s jobs"),
        "{table}"
    );
    // The table works in a scenario, with the trace beside it.
    let scenario = format!(
        "[run]\nhorizon = \"terminating\"\nduration = \"6s\"\nreplications = 1\nbaselines = false\n[gpus.a]\nboard = \
         \"a40\"\nengines = {{ nvenc = 1 }}\n[guests.g]\nvgpu = \"A40-8Q\"\nworkload = \"v\"\n{table}"
    );
    fs::write(folder.join("s.toml"), scenario).expect("a scenario");
    let (code, out, err) = run(folder, "s.toml");
    assert_eq!(code, 0, "{err}");
    assert_eq!(jobs(&out), 8);
    // Nothing is overwritten.
    let (code, _, err) = from(folder, "v.log", VGPU.as_bytes(), &all);
    assert_eq!(code, 2);
    assert!(err.contains("t.csv exists already"), "{err}");
}

#[test]
fn dmon_and_pmon_and_other_monitors_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let dmon = "#Date       Time        gpu     sm    mem    enc    dec\n#YYYYMMDD   HH:MM:SS    Idx      %      %      %      %\n \
                20261101   10:00:00      0     50      1      0      0\n 20261101   10:00:01      0    100      1      0      0\n";
    let pmon = "# gpu         pid   type     sm    mem    enc    dec    command\n# Idx           #    C/G      %      %      %      \
                %    name\n    0       1234     G     50      1      -      -    SOLIDWORKS 2026\n    0       1234     G    100      \
                1      -      -    SOLIDWORKS 2026\n";
    let other = "Time,GPU Utilization\n1,50\n2,100 %\n";
    let expected = "time_ms,gpu_ms\n0.000000,500\n1000.000000,1000\n";
    for (index, (log, more)) in [(dmon, None), (pmon, None), (other, Some("GPU Utilization"))]
        .into_iter()
        .enumerate()
    {
        let trace = format!("t{index}.csv");
        let mut arguments = vec!["--trace", trace.as_str(), "--rate", "1/s"];
        arguments.extend(more.iter().flat_map(|column| ["--column", column]));
        let (code, table, err) = from(folder, "u.log", log.as_bytes(), &arguments);
        assert_eq!(code, 0, "{err}");
        assert_eq!(
            fs::read_to_string(folder.join(&trace)).expect("the trace"),
            expected
        );
        assert!(
            table.contains("1 samples show a GPU that was busy all the time"),
            "{table}"
        );
    }
}

#[test]
fn frames_of_presentmon_become_a_workload() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let newer = "Application,ProcessID,CPUStartTime,MsBetweenPresents,MsCPUBusy,MsGPUBusy\n\
                 dwm.exe,1,0.5,16,1,0.2\ncad.exe,2,1.0,16,3.5,6.25\ncad.exe,2,17.5,16.5,4,7\ncad.exe,2,34.0,16.5,4,NA\n\
                 cad.exe,2,51,17,4,8\n";
    let (code, _, err) = from(folder, "p.csv", newer.as_bytes(), &["--trace", "t.csv"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("\"dwm.exe\" (1 frames), \"cad.exe\" (3 frames)"),
        "{err}"
    );
    let (code, table, err) = from(
        folder,
        "p.csv",
        newer.as_bytes(),
        &["--trace", "t.csv", "--of", "CAD.exe"],
    );
    assert_eq!(code, 0, "{err}");
    assert_eq!(
        fs::read_to_string(folder.join("t.csv")).expect("the trace"),
        "time_ms,cpu_ms,gpu_ms\n0.000000,3.5,6.25\n16.500000,4,7\n50.000000,4,8\n"
    );
    assert!(
        err.contains("1 frames without a GPU time are left out"),
        "{err}"
    );
    assert!(
        table.contains("[workloads.cad]\n")
            && table.contains("sequence = [\"prepare\", \"render\"]"),
        "{table}"
    );
    let scenario = format!(
        "[run]\nhorizon = \"terminating\"\nduration = \"1s\"\nreplications = 1\nbaselines = false\n[gpus.a]\nboard = \
         \"a40\"\n[guests.g]\nvgpu = \"A40-8Q\"\nworkload = \"cad\"\n{table}"
    );
    fs::write(folder.join("s.toml"), scenario).expect("a scenario");
    let (code, _, err) = warpshare(folder, &["validate", "s.toml"]);
    assert_eq!(code, 0, "{err}");
    // Seconds where milliseconds are expected are told by the distances of the frames.
    let seconds = newer
        .replace(",1.0,16,", ",0.001,16,")
        .replace(",17.5,", ",0.0175,")
        .replace(",34.0,", ",0.034,")
        .replace(",51,", ",0.051,")
        .replace(",0.5,", ",0.0005,");
    let (code, _, err) = from(
        folder,
        "q.csv",
        seconds.as_bytes(),
        &["--trace", "u.csv", "--of", "cad.exe"],
    );
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("`CPUStartTime` is taken as seconds"), "{err}");
    let both =
        ["t.csv", "u.csv"].map(|name| fs::read_to_string(folder.join(name)).expect("a trace"));
    assert_eq!(both[0], both[1]);
    // Version 1, as in the case of desktops in step.
    let case = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/cases/trace-lockstep/presentmon.csv");
    let bytes = fs::read(case).expect("the case");
    let (code, _, err) = from(folder, "old.csv", &bytes, &["--trace", "old-frames.csv"]);
    assert_eq!(code, 0, "{err}");
    // Without GPU times nothing can be said.
    let without = "Application,TimeInSeconds,msBetweenPresents\ncad.exe,0,16\n";
    let (code, _, err) = from(
        folder,
        "n.csv",
        without.as_bytes(),
        &["--trace", "n-frames.csv"],
    );
    assert_eq!(code, 2);
    assert!(err.contains("there is no GPU time of the frames"), "{err}");
}

#[test]
fn what_is_no_log_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for (log, problem) in [
        (&b"hello\n"[..], "this is none of the logs that are read"),
        (b"", "the file is empty"),
        (b"# gpu pwr\n0 20\n", "a row before the names of columns"),
        (b"# gpu sm\n# Idx %\n0 200\n", "`200` is not per cent"),
        (b"\xff\xfe#\0", "the file is UTF-16"),
        (b"# gpu sm\n# Idx %\n0 0\n", "the log shows no work at all"),
    ] {
        let (code, _, err) = from(
            folder,
            "l.log",
            log,
            &["--trace", "t.csv", "--rate", "30/s"],
        );
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(problem), "{problem}: {err}");
        assert!(!folder.join("t.csv").exists());
    }
}
