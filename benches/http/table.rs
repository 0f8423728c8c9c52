//! The table of results: a column for each size, and how the last compares with the first.

use std::time::Duration;

/// Rows by what was measured.
#[derive(Default)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    cells: Vec<String>,
    values: Vec<f64>,
}

impl Table {
    /// Begins a column.
    pub fn column(&mut self, name: &str) {
        self.columns.push(name.to_owned());
    }

    fn add(&mut self, name: &str, value: f64, cell: String) {
        // What is known so far is worth something if the rest fails.
        println!("{:>9}  {name:48} {cell}", self.columns.last().expect("a column has begun"));
        if let Some(row) = self.rows.iter_mut().find(|row| row.name == name) {
            row.cells.push(cell);
            row.values.push(value);
            return;
        }
        self.rows.push(Row { name: name.to_owned(), cells: vec![cell], values: vec![value] });
    }

    /// Bytes.
    pub fn size(&mut self, name: &str, bytes: u64) {
        self.add(name, bytes as f64, format!("{:.1} MiB", bytes as f64 / 1_048_576.0));
    }

    /// A number a second, or a plain number.
    pub fn rate(&mut self, name: &str, rate: f64) {
        let digits = usize::from(rate < 100.0);
        self.add(name, rate, format!("{rate:.digits$}"));
    }

    /// Times: the median and the 99th of a hundred.
    pub fn time(&mut self, name: &str, mut times: Vec<Duration>) {
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        let (half, most) = (at(0.5), at(0.99));
        let cell = if times.len() > 1 {
            format!("{half:.0?} / {most:.0?}")
        } else {
            format!("{half:.0?}")
        };
        self.add(name, half.as_secs_f64(), cell);
    }

    /// Prints all of it as Markdown.
    pub fn print(&self) {
        println!("| median / p99 | {} | last to first |", self.columns.join(" | "));
        println!("|---|{}---|", "---|".repeat(self.columns.len()));
        for row in &self.rows {
            let ratio = row.values.last().unwrap_or(&0.0) / row.values.first().unwrap_or(&1.0);
            println!("| {} | {} | {ratio:.2} |", row.name, row.cells.join(" | "));
        }
    }
}
