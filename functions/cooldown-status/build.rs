//! Links the bootstrap at a fixed address.

fn main() {
    // A position-independent executable would begin each cold start with 45,000 relocations, which also turn a megabyte
    // into private memory. Libraries, the stack and the heap still get random addresses.
    println!("cargo::rustc-link-arg-bins=-no-pie");
}
