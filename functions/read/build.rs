//! Links the bootstrap for a fixed address.

fn main() {
    // As a position-independent executable it would begin each cold start with 45,000 relocations, which also make a
    // megabyte of it private memory. Libraries, the stack and the heap are still placed at random.
    println!("cargo::rustc-link-arg-bins=-no-pie");
}
