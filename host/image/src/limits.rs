//! Every limit of images, in one table.

/// The maximum size of an unpacked image: 10 GiB, which is AWS's limit.
pub const UNPACKED_BYTES: u64 = 10 * 1024 * 1024 * 1024;

/// The maximum number of files, folders and links in all layers of an image. AWS states none. Images of large desktop
/// distributions have about a third.
pub const ENTRIES: u64 = 1_000_000;

/// The maximum number of layers: four times what Docker allows.
pub const LAYERS: usize = 512;

/// The maximum depth of folders in an image. The deepest trees of npm have about a quarter. A tree that is much deeper
/// could not be deleted, because each level takes a file descriptor.
pub const DEPTH: usize = 200;

/// The maximum size of an index, a manifest or a list of images: 4 MiB, which is the limit of most registries.
pub const MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// The maximum size of an image's configuration, which has a line for each line of the Dockerfile.
pub const CONFIG_BYTES: u64 = 8 * 1024 * 1024;

/// The maximum number of indexes within each other.
pub const NESTED_INDEXES: usize = 4;

/// The maximum number of images and indexes that an image's indexes list, all together. The largest official images
/// have about forty.
pub const DESCRIPTORS: usize = 4096;

/// The maximum size of all indexes and manifests that are read to find one image.
pub const INDEXES_BYTES: u64 = 4 * MANIFEST_BYTES;

/// The maximum length of a text about an image that cannot be used, as far as it is not about where it was found.
pub const MESSAGE_CHARACTERS: usize = 4096;

/// The maximum size of what a tar archive says of an entry besides its header: a long name, extended attributes.
pub const ENTRY_EXTENSION_BYTES: u64 = 1024 * 1024;

/// The maximum number of files in an archive of `docker save`: there are three for each layer.
pub const ARCHIVE_MEMBERS: usize = 10_000;

/// The maximum size of a lock file.
pub const LOCK_BYTES: u64 = 1024 * 1024;
