//! The store over the program's own records where it hurts: power cuts, failing and full
//! disks, files of other versions. And the declarations of those records.

#![allow(clippy::disallowed_methods, reason = "tests mount file systems and run programs")]

mod crash {
    mod declarations;
    mod disk;
    mod faults;
    mod full;
    mod golden;
    mod power;
    mod records;
    mod workload;
}
