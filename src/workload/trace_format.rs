//! Published request traces that are read as they come: which columns they have, and what those mean.

use super::table::Table;
use super::trace::{Errors, TimeFormat, Trace, TraceError, TraceSpec};

/// A published trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceFormat {
    /// Azure LLM inference traces, 2023 and 2024 (github.com/Azure/AzurePublicDataset).
    AzureLlm,
    /// Pods of Alibaba's GPU-sharing cluster, 2023 (github.com/alibaba/clusterdata,
    /// `openb_pod_list_*.csv`). Pods without a GPU are left out.
    Openb,
    /// Training jobs of Microsoft's Philly clusters, as adaptdl projects them
    /// (github.com/petuum/adaptdl, `philly.csv`).
    Philly,
    /// Requests of Mooncake (github.com/kvcache-ai/Mooncake, `FAST25-release/traces`): JSON lines.
    Mooncake,
    /// Requests of BurstGPT (github.com/HPMLL/BurstGPT).
    BurstGpt,
}

/// Seconds from a job's arrival to its end, of formats that have the two times.
const DURATION: &str = "duration";
/// `duration` times GPUs held, in GPU seconds.
const GPU_TIME: &str = "gpu_time";

impl TraceFormat {
    /// What a file of this format is, for messages.
    pub fn what(self) -> &'static str {
        match self {
            TraceFormat::AzureLlm => "an Azure LLM inference trace",
            TraceFormat::Openb => "a list of openb pods",
            TraceFormat::Philly => "a list of Philly jobs",
            TraceFormat::Mooncake => "a Mooncake trace",
            TraceFormat::BurstGpt => "a BurstGPT trace",
        }
    }

    /// Column with the arrival times, and how they are written.
    pub fn time(self) -> (&'static str, TimeFormat) {
        match self {
            TraceFormat::AzureLlm => ("TIMESTAMP", TimeFormat::Timestamp),
            TraceFormat::Openb => ("creation_time", TimeFormat::Seconds),
            TraceFormat::Philly => ("timestamp", TimeFormat::Timestamp),
            TraceFormat::Mooncake => ("timestamp", TimeFormat::Milliseconds),
            TraceFormat::BurstGpt => ("Timestamp", TimeFormat::Seconds),
        }
    }

    /// Columns of numbers in the file.
    fn written(self) -> &'static [&'static str] {
        match self {
            TraceFormat::AzureLlm => &["ContextTokens", "GeneratedTokens"],
            TraceFormat::Openb => &["cpu_milli", "memory_mib", "num_gpu", "gpu_milli"],
            TraceFormat::Philly => &["duration", "num_gpus", "gpu_time"],
            TraceFormat::Mooncake => &["input_length", "output_length"],
            TraceFormat::BurstGpt => &["Request tokens", "Response tokens"],
        }
    }

    /// Column with the end of a job, where `duration` is not written.
    fn until(self) -> Option<&'static str> {
        match self {
            TraceFormat::Openb => Some("deletion_time"),
            TraceFormat::AzureLlm
            | TraceFormat::Philly
            | TraceFormat::Mooncake
            | TraceFormat::BurstGpt => None,
        }
    }

    /// Columns that sizes can ask for.
    pub fn columns(self) -> Vec<&'static str> {
        let derived = self.until().map(|_| [DURATION, GPU_TIME]);
        let written = self.written().iter().copied();
        written.chain(derived.into_iter().flatten()).collect()
    }

    /// Reads the columns `wanted`, each one of [`TraceFormat::columns`]. Rows come in any order.
    ///
    /// # Errors
    ///
    /// As [`Trace::read`]; a header that lacks columns of the format gives a single error that names
    /// what the format has.
    pub fn read(
        self,
        path: &str,
        bytes: &[u8],
        wanted: &[String],
    ) -> Result<Trace, Vec<TraceError>> {
        let (time, time_format) = self.time();
        let needed: Vec<&str> = [time]
            .into_iter()
            .chain(self.until())
            .chain(self.written().iter().copied())
            .collect();
        self.check_header(path, bytes, &needed)?;
        let mut spec = TraceSpec {
            time_column: time.to_owned(),
            time_format,
            columns: self.written().iter().map(|&name| name.to_owned()).collect(),
            until: self.until().map(str::to_owned),
            sort: true,
        };
        if spec.until.is_some() {
            spec.columns.push(DURATION.to_owned());
        }
        let read = Trace::read(path, bytes, &spec)?;
        let trace = match self {
            TraceFormat::Openb => with_gpu_time(read),
            _ => read,
        };
        if trace.arrivals.is_empty() {
            return Err(vec![TraceError {
                file: path.to_owned(),
                line: None,
                column: Some("num_gpu".to_owned()),
                problem: "no pod has a GPU".to_owned(),
                remedy: Some("take a list of pods with `num_gpu` above zero".to_owned()),
            }]);
        }
        let kept = wanted
            .iter()
            .filter_map(|name| trace.columns.iter().position(|column| column == name));
        let kept: Vec<usize> = kept.collect();
        Ok(trace.with_columns(&kept))
    }

    fn check_header(
        self,
        path: &str,
        bytes: &[u8],
        needed: &[&str],
    ) -> Result<(), Vec<TraceError>> {
        let mut errors = Errors::new(path);
        let Some(table) = Table::open(bytes, "it starts with a line of column names", &mut errors)
        else {
            return Err(errors.finish());
        };
        let names = &table.names;
        let quoted = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            names.join(", ")
        };
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        let lacking: Vec<&str> = needed.iter().copied().filter(|name| !has(name)).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        Err(vec![TraceError {
            file: path.to_owned(),
            line: Some(table.line),
            column: None,
            problem: format!("{} needs the columns {}", self.what(), quoted(needed)),
            remedy: Some(format!(
                "{} not in the first line; for a file with other columns give `time` and \
                 `time_format` in place of `format`",
                match lacking.len() {
                    1 => format!("{} is", quoted(&lacking)),
                    _ => format!("{} are", quoted(&lacking)),
                }
            )),
        }])
    }
}

/// The pods that hold GPUs, with the GPU seconds that they hold.
fn with_gpu_time(pods: Trace) -> Trace {
    let column = |name: &str| pods.columns.iter().position(|column| column == name);
    let place = [column("num_gpu"), column("gpu_milli"), column(DURATION)];
    let mut columns = pods.columns.clone();
    columns.push(GPU_TIME.to_owned());
    let (mut arrivals, mut values) = (Vec::new(), Vec::new());
    for (row, &arrival) in pods.values.chunks(pods.columns.len()).zip(&pods.arrivals) {
        let [gpus, milli, duration] = place.map(|place| place.map_or(0.0, |place| row[place]));
        if gpus > 0.0 {
            arrivals.push(arrival);
            values.extend_from_slice(row);
            values.push(gpus * (milli / 1e3) * duration);
        }
    }
    // The first pod with a GPU is at 0.
    let first = arrivals.first().copied().unwrap_or(0);
    Trace {
        arrivals: arrivals.into_iter().map(|time| time - first).collect(),
        columns,
        values,
        origin: pods.origin + i128::from(first),
        remarks: pods.remarks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PODS: &str = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,\
                        creation_time,deletion_time,scheduled_time\n\
                        a,4000,4096,0,0,,LS,Running,10,90,10\n\
                        b,12000,16384,1,460,,LS,Running,20,120,\n\
                        c,6000,12288,8,1000,G2|T4,BE,Failed,20,20.5,21\n";

    fn wanted(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn pods_with_a_gpu_have_a_duration_and_gpu_seconds() {
        let columns = wanted(&["gpu_time", "duration", "num_gpu"]);
        let trace = TraceFormat::Openb
            .read("pods.csv", PODS.as_bytes(), &columns)
            .unwrap();
        assert_eq!(trace.arrivals, [0, 0]);
        assert_eq!(trace.columns, columns);
        assert_eq!(trace.values, [46.0, 100.0, 1.0, 4.0, 0.5, 8.0]);
        let none = TraceFormat::Openb
            .read("pods.csv", PODS.as_bytes(), &[])
            .unwrap();
        assert_eq!((none.arrivals.len(), none.values.len()), (2, 0));
    }

    #[test]
    fn jobs_of_philly_are_read_as_they_come() {
        let text = "timestamp,duration,num_gpus,gpu_time,cluster\n\
                    2017-10-02 00:01:55,108.0,1,108.0,11cb48\n\
                    2017-10-02 00:11:55,74.0,2,148.0,11cb48\n";
        let columns = wanted(&["gpu_time"]);
        let trace = TraceFormat::Philly
            .read("philly.csv", text.as_bytes(), &columns)
            .unwrap();
        assert_eq!(trace.arrivals, [0, 600_000_000_000]);
        assert_eq!(trace.values, [108.0, 148.0]);
    }

    #[test]
    fn a_file_of_another_format_is_refused_with_the_columns_that_are_meant() {
        let errors = TraceFormat::AzureLlm
            .read("pods.csv", PODS.as_bytes(), &[])
            .unwrap_err();
        assert_eq!(errors.len(), 1);
        assert_eq!(
            errors[0].problem,
            "an Azure LLM inference trace needs the columns `TIMESTAMP`, `ContextTokens`, \
             `GeneratedTokens`"
        );
        // A list of pods without times, as one of the published ones is.
        let short = "name,cpu_milli,memory_mib,num_gpu,gpu_milli\na,4000,4096,1,1000\n";
        let errors = TraceFormat::Openb
            .read("pods.csv", short.as_bytes(), &[])
            .unwrap_err();
        let remedy = errors[0].remedy.as_deref().unwrap();
        assert!(
            remedy.starts_with("`creation_time`, `deletion_time` are not"),
            "{remedy}"
        );
        // All of them without a GPU.
        let idle = PODS.lines().take(2).collect::<Vec<_>>().join("\n");
        let errors = TraceFormat::Openb
            .read("pods.csv", idle.as_bytes(), &[])
            .unwrap_err();
        assert_eq!(errors[0].problem, "no pod has a GPU");
    }

    #[test]
    fn a_pod_that_ends_before_it_begins_has_its_line() {
        let text = PODS.replace("20,120", "20,19");
        let errors = TraceFormat::Openb
            .read("pods.csv", text.as_bytes(), &[])
            .unwrap_err();
        assert_eq!((errors[0].line, errors.len()), (Some(3), 1));
        assert!(errors[0].problem.contains("ends before"));
    }
}
