use super::*;

fn spec() -> TraceSpec {
    TraceSpec {
        time_column: "at".into(),
        time_format: TimeFormat::Seconds,
        columns: vec!["n".into()],
        until: None,
        sort: false,
    }
}

fn errors(text: &str, spec: &TraceSpec) -> Vec<TraceError> {
    Trace::read("t.csv", text.as_bytes(), spec).expect_err("the trace is malformed")
}

/// (line, column, problem) of each error.
fn found(text: &str) -> Vec<(Option<u64>, Option<String>, String)> {
    let errors = errors(text, &spec()).into_iter();
    errors.map(|e| (e.line, e.column, e.problem)).collect()
}

fn at(line: u64, column: &str, problem: &str) -> (Option<u64>, Option<String>, String) {
    (Some(line), Some(column.into()), problem.into())
}

#[test]
fn line_ends_byte_order_mark_and_blank_lines_do_not_matter() {
    let plain = "at,n,other\n5,1,x\n5.25,2,y\n";
    let expected = Trace::read("t.csv", plain.as_bytes(), &spec()).unwrap();
    assert_eq!(expected.arrivals, [0, 250_000_000]);
    assert_eq!(expected.values, [1.0, 2.0]);
    assert_eq!(expected.columns, ["n"]);
    for variant in [
        plain.replace('\n', "\r\n"),
        plain.trim_end().to_owned(),
        plain.replace('\n', "\r\n").trim_end().to_owned(),
        format!("\u{feff}{plain}"),
        plain.replace('\n', "\n\n"),
        plain.replace("at,n", "\"at\", n "),
    ] {
        assert_eq!(
            Trace::read("t.csv", variant.as_bytes(), &spec()).as_ref(),
            Ok(&expected),
            "{variant:?}"
        );
    }
}

#[test]
fn a_trace_may_have_no_value_columns() {
    let spec = TraceSpec {
        columns: vec![],
        ..spec()
    };
    let trace = Trace::read("t.csv", b"at\n1\n1\n2\n", &spec).unwrap();
    assert_eq!(trace.arrivals, [0, 0, 1_000_000_000]);
    assert!(trace.values.is_empty());
}

#[test]
fn units_scale_exactly() {
    for (format, last) in [
        (TimeFormat::Nanoseconds, 3),
        (TimeFormat::Microseconds, 3_000),
        (TimeFormat::Milliseconds, 3_000_000),
        (TimeFormat::Seconds, 3_000_000_000),
    ] {
        let spec = TraceSpec {
            time_format: format,
            ..spec()
        };
        let trace = Trace::read("t.csv", b"at,n\n7,0\n10,0\n", &spec).unwrap();
        assert_eq!(trace.arrivals, [0, last]);
    }
}

#[test]
fn time_going_backwards_is_an_error_with_both_lines() {
    let errors = errors("at,n\n1,0\n3,0\n2,0\n4,0\n", &spec());
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].line, Some(4));
    assert!(errors[0].problem.contains("line 3"), "{}", errors[0]);
    assert!(errors[0].remedy.as_ref().unwrap().contains("sort the rows"));
    // Also before the first row, where the distance is negative.
    assert_eq!(found("at,n\n1,0\n0,0\n").len(), 1);
}

#[test]
fn cells_that_are_no_numbers_are_all_reported_with_their_lines() {
    let text = "at,n\r\n0,1\r\nx,1\r\n1,abc\r\n\r\n2,NaN\r\n3,-4\r\n4,\r\n5,inf\r\n-6,1\r\n";
    assert_eq!(
        found(text),
        [
            at(3, "at", "`x` is not a number of seconds"),
            at(4, "n", "`abc` is not a number"),
            at(6, "n", "`NaN` is NaN"),
            at(7, "n", "`-4` is negative"),
            at(8, "n", "the cell is empty"),
            at(9, "n", "`inf` is not finite"),
            at(10, "at", "`-6` is negative"),
        ]
    );
}

#[test]
fn a_row_of_the_wrong_length_names_both_lengths() {
    let found = found("at,n\n1,2\n1,2,3\n1\n2,2\n");
    let lines: Vec<_> = found.iter().map(|e| e.0).collect();
    assert_eq!(lines, [Some(3), Some(4)]);
    assert_eq!(found[0].2, "the row has 3 cells, the header 2");
}

#[test]
fn bytes_that_are_not_utf8_are_an_error_only_where_they_are_read() {
    let spec = spec();
    assert!(Trace::read("t.csv", b"at,n,x\n1,2,\xff\n", &spec).is_ok());
    let errors = Trace::read("t.csv", b"at,n,x\n1,\xff,y\n", &spec).unwrap_err();
    assert!(errors[0].problem.contains("UTF-8"), "{}", errors[0]);
}

#[test]
fn a_missing_column_names_the_nearest_and_all() {
    let spec = TraceSpec {
        time_column: "tiem".into(),
        columns: vec!["tokns".into()],
        ..spec()
    };
    let errors = errors("time,tokens\n", &spec);
    assert_eq!(errors.len(), 2);
    assert!(
        errors[0]
            .remedy
            .as_ref()
            .unwrap()
            .contains("did you mean `time`?")
    );
    assert!(
        errors[1]
            .remedy
            .as_ref()
            .unwrap()
            .contains("did you mean `tokens`?")
    );
    assert!(
        errors[1]
            .remedy
            .as_ref()
            .unwrap()
            .contains("`time`, `tokens`")
    );
}

#[test]
fn other_separators_are_recognised() {
    let errors = errors("at;n\n1;2\n", &spec());
    assert!(
        errors[0].remedy.as_ref().unwrap().contains("commas"),
        "{}",
        errors[0]
    );
}

#[test]
fn empty_files_and_headers_alone_are_refused() {
    for empty in ["", "\n\r\n", "\u{feff}"] {
        assert_eq!(found(empty)[0].2, "the file is empty", "{empty:?}");
    }
    assert_eq!(found("at,n\n")[0].2, "there are no rows");
}

#[test]
fn duplicate_columns_are_refused_in_file_and_request() {
    assert_eq!(
        found("at,n,n\n1,2,3\n"),
        [at(1, "n", "two columns are called `n`")]
    );
    let twice = TraceSpec {
        columns: vec!["n".into(), "n".into()],
        ..spec()
    };
    assert!(errors("at,n\n1,2\n", &twice)[0].problem.contains("twice"));
}

#[test]
fn twenty_errors_are_listed_and_the_rest_counted() {
    let bad = |rows: usize| format!("at,n\n{}", "1,x\n".repeat(rows));
    assert_eq!(errors(&bad(20), &spec()).len(), 20);
    let errors = errors(&bad(25), &spec());
    assert_eq!(errors.len(), 21);
    assert_eq!(errors[19].line, Some(21));
    assert_eq!(errors[20].to_string(), "error: and 5 more\n --> t.csv");
}

#[test]
fn spans_beyond_the_clock_are_refused() {
    let found = found("at,n\n0,1\n1e10,1\n");
    assert_eq!(
        found,
        [at(3, "at", "more than 292 years after the first row")]
    );
}

#[test]
fn an_error_reads_as_file_line_column_problem_remedy() {
    let text = errors("at,n\n1,x\n", &spec())[0].to_string();
    assert_eq!(
        text,
        "error: `x` is not a number\n --> t.csv:2, column `n`\n\
         help: values are finite decimal numbers, 0 or more"
    );
}

/// The figures of the trace's own documentation.
#[test]
fn the_azure_conversation_trace_reads_as_it_comes() {
    let bytes = include_bytes!("../../data/traces/azure-llm-2023/AzureLLMInferenceTrace_conv.csv");
    let spec = TraceSpec {
        time_column: "TIMESTAMP".into(),
        time_format: TimeFormat::Timestamp,
        columns: vec!["ContextTokens".into(), "GeneratedTokens".into()],
        until: None,
        sort: false,
    };
    let trace = Trace::read("conv.csv", bytes, &spec).expect("the trace is well formed");
    let rows = trace.arrivals.len();
    assert_eq!(rows, 19_366);
    assert_eq!(trace.arrivals[..2], [0, 4_314_579_000]); // 18:15:46.6805900, 18:15:50.9951690
    let span = trace.arrivals[rows - 1] as f64 / 1e9;
    assert_eq!(format!("{span:.1}"), "3501.7");
    let gaps: Vec<f64> = trace
        .arrivals
        .windows(2)
        .map(|w| (w[1] - w[0]) as f64)
        .collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|g| (g - mean) * (g - mean)).sum::<f64>() / gaps.len() as f64;
    assert_eq!(format!("{:.2}", variance.sqrt() / mean), "1.09");
    let mean_of =
        |column: usize| trace.values.iter().skip(column).step_by(2).sum::<f64>() / rows as f64;
    assert_eq!(format!("{:.0}", mean_of(0)), "1155");
    assert_eq!(format!("{:.0}", mean_of(1)), "211");
    assert_eq!(trace.values[..2], [374.0, 44.0]);
}

#[test]
fn json_lines_are_rows_with_their_lines() {
    let lines = "{\"n\": 1, \"at\": 5}\n\n{\"at\": 5.25, \"n\": 2, \"more\": [3]}\r\n";
    let trace = Trace::read("t.jsonl", lines.as_bytes(), &spec()).unwrap();
    assert_eq!(trace.arrivals, [0, 250_000_000]);
    assert_eq!(trace.values, [1.0, 2.0]);
    assert_eq!(trace.origin, 5_000_000_000);
    // The first object names the columns.
    let found = errors("{\"time\": 1, \"n\": 2}\n", &spec());
    assert_eq!(found[0].problem, "there is no column `at`");
    assert_eq!(
        found[0].remedy.as_deref(),
        Some("the columns are `time`, `n`")
    );
    let bad = "{\"at\": 1, \"n\": 1}\n{\"at\": 2}\n{\"at\": 3, \"n\": \"x\"}\n{\"at\": 4, \"n\": null}\nend\n";
    let problems = found_in(bad);
    assert_eq!(problems[0], (Some(2), "the object has no `n`".into()));
    assert_eq!(problems[1], (Some(3), "`x` is not a number".into()));
    assert_eq!(problems[2], (Some(4), "the cell is empty".into()));
    assert!(
        problems[3].1.starts_with("this is no JSON object"),
        "{problems:?}"
    );
    assert_eq!(problems[3].0, Some(5));
}

fn found_in(text: &str) -> Vec<(Option<u64>, String)> {
    let errors = errors(text, &spec()).into_iter();
    errors.map(|error| (error.line, error.problem)).collect()
}

#[test]
fn a_quote_that_is_never_closed_is_an_error_with_its_line() {
    let found = errors("at,n\n0,1\n1,\"1\n2,1\n3,1\n", &spec());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].line, Some(3));
    assert_eq!(
        found[0].problem,
        "a double quote opens a cell here and is never closed"
    );
}

#[test]
fn other_encodings_and_arrays_have_one_error() {
    for (bytes, problem) in [
        (&b"\xff\xfea\0t\0"[..], "the file is UTF-16"),
        (b"[{\"at\": 1}]", "this is a JSON array"),
    ] {
        let errors = Trace::read("t", bytes, &spec()).unwrap_err();
        assert_eq!((errors.len(), errors[0].problem.as_str()), (1, problem));
    }
}

#[test]
fn rows_are_sorted_where_that_is_asked_for() {
    let sort = TraceSpec {
        sort: true,
        ..spec()
    };
    let text = "at,n\n3,0\n1,1\n3,2\n2,3\n1,4\n";
    let trace = Trace::read("t.csv", text.as_bytes(), &sort).unwrap();
    assert_eq!(trace.arrivals, [0, 0, 1, 2, 2].map(|s| s * 1_000_000_000));
    assert_eq!(trace.values, [1.0, 4.0, 3.0, 0.0, 2.0]);
    assert_eq!(trace.origin, 1_000_000_000);
    assert_eq!(
        trace.remarks,
        ["3 rows were earlier than the one before in `at`: sorted by time"]
    );
    let sorted = Trace::read("t.csv", b"at,n\n1,0\n1,1\n", &sort).unwrap();
    assert!(sorted.remarks.is_empty());
}

/// Damaged files give errors, never a panic.
#[test]
fn mangled_files_do_not_panic() {
    let files: [&[u8]; 3] = [
        b"at,n,o\n5,1,\"x\"\n5.25,2,\"y\"\"z\"\n6,3,q\n",
        b"{\"at\": 5, \"n\": 1}\n{\"at\": 5.5, \"n\": 2, \"o\": [1, {\"a\": \"b\"}]}\n",
        b"\xef\xbb\xbfat,n\r\n1e3,1e2\r\n2e3,0\r\n",
    ];
    for file in files {
        for place in 0..file.len() {
            for byte in [0, b'"', b',', b'\n', b'{', b'}', b'-', b'e', 0xff, b'9'] {
                let mut changed = file.to_vec();
                changed[place] = byte;
                let _ = Trace::read("t", &changed, &spec());
                let _ = Trace::read(
                    "t",
                    &changed[..place],
                    &TraceSpec {
                        sort: true,
                        ..spec()
                    },
                );
            }
        }
    }
}
