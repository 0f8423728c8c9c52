//! The `process_*` metrics that every Prometheus client offers, read from `/proc` on each
//! scrape. On systems without `/proc` they are absent rather than wrong.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Reads the process's own figures.
#[derive(Debug)]
pub(super) struct ProcessCollector;

/// One reading.
#[derive(Debug, PartialEq)]
struct Figures {
    cpu_seconds: f64,
    start_time_seconds: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    threads: u64,
    open_files: u64,
    max_files: Option<u64>,
}

impl Figures {
    /// `None` where `/proc` is not what Linux offers.
    fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let boot = fs::read_to_string("/proc/stat").ok()?;
        let open_files = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
        let max_files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        Self::parse(&stat, &boot, ticks, rustix::param::page_size() as u64).map(|figures| Self {
            open_files,
            max_files,
            ..figures
        })
    }

    /// Fields of `proc(5)`, counted after the command name, which may hold any character.
    fn parse(stat: &str, boot: &str, ticks: f64, page: u64) -> Option<Self> {
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |n: usize| fields.get(n - 3)?.parse::<u64>().ok();
        let boot_time = boot
            .lines()
            .find_map(|line| line.strip_prefix("btime "))?
            .trim()
            .parse::<f64>()
            .ok()?;
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) as f64 / ticks,
            start_time_seconds: boot_time + field(22)? as f64 / ticks,
            resident_bytes: field(24)? * page,
            virtual_bytes: field(23)?,
            threads: field(20)?,
            open_files: 0,
            max_files: None,
        })
    }
}

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let Some(figures) = Figures::read() else { return Ok(()) };
        let mut put = |name: &str, help: &str, metric: &dyn Figure| {
            metric.encode_as(&mut encoder, name, help)
        };
        let cpu = ConstCounter::new(figures.cpu_seconds);
        put("process_cpu_seconds", "CPU time used, user and system", &cpu)?;
        let start = ConstGauge::new(figures.start_time_seconds);
        put("process_start_time_seconds", "Start of the process, Unix time", &start)?;
        let whole: [(&str, &str, Option<u64>); 5] = [
            ("process_resident_memory_bytes", "Memory in RAM", Some(figures.resident_bytes)),
            ("process_virtual_memory_bytes", "Address space", Some(figures.virtual_bytes)),
            ("process_threads", "Threads", Some(figures.threads)),
            ("process_open_fds", "Open file descriptors", Some(figures.open_files)),
            ("process_max_fds", "Most file descriptors allowed", figures.max_files),
        ];
        for (name, help, value) in whole {
            if let Some(value) = value {
                put(name, help, &ConstGauge::new(value as f64))?;
            }
        }
        Ok(())
    }
}

/// A metric that can be written under a name; makes counters and gauges one argument type.
trait Figure {
    fn encode_as(&self, to: &mut DescriptorEncoder, name: &str, help: &str) -> fmt::Result;
}

impl<M: EncodeMetric> Figure for M {
    fn encode_as(&self, to: &mut DescriptorEncoder, name: &str, help: &str) -> fmt::Result {
        self.encode(to.encode_descriptor(name, help, None, self.metric_type())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_name_with_blanks_and_brackets_does_not_shift_the_fields() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 1 2 3 4 150 50 0 0 20 0 9 0 1000 8192 3 1";
        let figures = Figures::parse(stat, "cpu 1\nbtime 100\n", 100.0, 4096).unwrap();
        assert_eq!(figures.cpu_seconds.to_bits(), 2.0f64.to_bits());
        assert_eq!(figures.start_time_seconds.to_bits(), 110.0f64.to_bits());
        assert_eq!((figures.threads, figures.virtual_bytes), (9, 8192));
        assert_eq!(figures.resident_bytes, 3 * 4096);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_running_process_has_plausible_figures() {
        let figures = Figures::read().unwrap();
        assert!(figures.resident_bytes > 1 << 20 && figures.open_files >= 3);
        assert!(figures.start_time_seconds > 1.6e9 && figures.max_files.unwrap() > 3);
    }
}
