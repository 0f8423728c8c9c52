//! The power goes at every single operation of the disk; what was not synced is there in
//! whole, in part, or not at all.

use vulnzero::store::Options;

use super::disk::{Disk, Op, apply};
use super::workload::{open, together, verify};

/// Steps of the groups that are written one after the other.
const GROUPS: [u64; 9] = [1, 2, 1, 4, 1, 6, 2, 1, 3];
const SECTOR: usize = 512;
const CACHE: usize = 1 << 20;

/// Small pseudo-random numbers (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// What a run did to the disk, and what was promised when.
struct Run {
    log: Vec<Op>,
    /// Number of operations, and of steps that were acknowledged by then.
    promises: Vec<(u64, u64)>,
}

impl Run {
    fn record(offset: u64) -> Self {
        let disk = Disk::recording();
        let store = open(disk.open(CACHE).unwrap(), Options::default()).unwrap();
        let mut promises = vec![(disk.writes(), 0)];
        let mut last = offset;
        for (n, size) in GROUPS.into_iter().enumerate() {
            // A reader keeps pages from being used again.
            let _reader = (n % 3 == 1).then(|| store.read().unwrap());
            for (n, answer) in together(&store, last + 1..=last + size) {
                answer.unwrap_or_else(|e| panic!("step {n}: {e:?}"));
            }
            last += size;
            promises.push((disk.writes(), last - offset));
        }
        store.close().unwrap();
        Self { log: disk.log(), promises }
    }

    /// Steps acknowledged before operation `at`, and steps submitted by then; `None` if
    /// not even the opening was.
    fn promised(&self, at: u64) -> Option<(u64, u64)> {
        let kept = self.promises.iter().rposition(|(ops, _)| *ops <= at)?;
        let next = self.promises.get(kept + 1).unwrap_or(&self.promises[kept]);
        Some((self.promises[kept].1, next.1))
    }
}

/// An image in which each unsynced operation is there, is not, or (if a write) in some of
/// its sectors.
fn torn(durable: &[u8], pending: &[&Op], random: &mut Random) -> Vec<u8> {
    let mut image = durable.to_vec();
    for op in pending {
        match (random.below(3), op) {
            (0, _) => {}
            (1, Op::Write(at, data)) => {
                for (n, sector) in data.chunks(SECTOR).enumerate() {
                    if random.below(2) == 0 {
                        apply(&mut image, &Op::Write(at + (n * SECTOR) as u64, sector.to_vec()));
                    }
                }
            }
            (_, op) => apply(&mut image, op),
        }
    }
    image
}

#[derive(Debug, Default)]
struct Counts {
    images: u64,
    ahead: u64,
    unopenable: u64,
    continued: u64,
}

impl Counts {
    fn examine(&mut self, image: Vec<u8>, at: u64, run: &Run, offset: u64) {
        if image.is_empty() {
            return;
        }
        self.images += 1;
        let promised = run.promised(at);
        let disk = Disk::with(image);
        let store = match disk.open(CACHE).and_then(|e| open(e, Options::default())) {
            Ok(store) => store,
            Err(e) => {
                assert!(promised.is_none(), "cut at {at}: cannot be opened: {e:?}");
                self.unopenable += 1;
                return;
            }
        };
        let (acknowledged, submitted) = promised.unwrap_or_default();
        let done: Vec<u64> = verify(&store).unwrap().into_iter().collect();
        let count = done.len() as u64;
        assert_eq!(
            done,
            (offset + 1..=offset + count).collect::<Vec<_>>(),
            "cut at {at}: a prefix"
        );
        assert!(
            (acknowledged..=submitted).contains(&count),
            "cut at {at}: {count} steps are there, {acknowledged} were acknowledged, {submitted} submitted"
        );
        self.ahead += u64::from(count > acknowledged);
        if self.images.is_multiple_of(9) {
            self.continued += 1;
            let next = offset + count + 1;
            assert!(together(&store, [next, next + 1]).iter().all(|(_, a)| a.is_ok()));
            store.close().unwrap();
            let store = open(disk.open(CACHE).unwrap(), Options::default()).unwrap();
            assert_eq!(verify(&store).unwrap().len() as u64, count + 2);
        }
    }
}

/// Cuts at every operation whose number leaves `lane` when divided by `lanes`.
fn cut_everywhere(run: &Run, offset: u64, lane: usize, lanes: usize) -> Counts {
    let mut counts = Counts::default();
    let mut random = Random(0x9e37_79b9 + offset * 7 + lane as u64);
    let mut durable = Vec::new();
    let mut pending: Vec<&Op> = Vec::new();
    for at in 0..=run.log.len() {
        if at % lanes == lane {
            let n = at as u64;
            counts.examine(durable.clone(), n, run, offset);
            if !pending.is_empty() {
                let mut whole = durable.clone();
                for op in &pending {
                    apply(&mut whole, op);
                }
                counts.examine(whole, n, run, offset);
                for _ in 0..2 {
                    counts.examine(torn(&durable, &pending, &mut random), n, run, offset);
                }
            }
        }
        match run.log.get(at) {
            Some(Op::Sync) => pending.drain(..).for_each(|op| apply(&mut durable, op)),
            Some(op) => pending.push(op),
            None => {}
        }
    }
    counts
}

#[test]
fn no_cut_loses_an_acknowledged_write() {
    let lanes = 2;
    let mut total = Counts::default();
    let mut operations = 0;
    for offset in [0, 100] {
        let run = Run::record(offset);
        operations += run.log.len();
        let counts: Vec<Counts> = std::thread::scope(|scope| {
            let run = &run;
            let lane = |lane| scope.spawn(move || cut_everywhere(run, offset, lane, lanes));
            let threads: Vec<_> = (0..lanes).map(lane).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        for c in counts {
            total.images += c.images;
            total.ahead += c.ahead;
            total.unopenable += c.unopenable;
            total.continued += c.continued;
        }
    }
    println!("power cuts: {operations} operations, {total:?}");
    assert!(total.images >= 2_000, "{total:?}");
    assert!(total.ahead > 0, "a commit is sometimes durable before it is acknowledged: {total:?}");
}
