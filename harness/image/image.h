// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/fd.h"
#include "util/result.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// A kernel that guests can run: one inside an image, or one that the lab built itself.
struct Kernel {
    std::string version;           ///< as uname -r says it
    std::string suite;             ///< which one brought it: "stable", "backports"; else its name
    std::filesystem::path vmlinux; ///< unpacked, as QEMU starts it fastest
    std::filesystem::path initramfs;
    std::filesystem::path modules = {}; ///< disk with its modules; empty: the image has them
    std::filesystem::path root = {};    ///< in which modules are built for it
    std::filesystem::path tree = {};    ///< seen there as /kernel, unless empty
    std::string build = {};             ///< its build directory in there
    double slowness = 1;                ///< by what deadlines are stretched on top of emulation
    bool parallel = false; ///< emulated CPUs can run it side by side: it leaves its code alone
    /// Keep the cache's cleaning off, as long as any copy lives.
    std::vector<std::shared_ptr<Fd>> in_use = {};
};

/// A complete guest image in the cache. Immutable: VMs run on throw-away overlays.
struct Image {
    std::filesystem::path dir;  ///< holds everything below, and image.json
    std::filesystem::path disk; ///< raw ext4 file system
    std::filesystem::path root; ///< the same tree as a directory, for building modules
    std::filesystem::path key;  ///< SSH private key that its root accepts
    std::string recipe;         ///< hash of what it was built from
    std::vector<Kernel> kernels;
    std::shared_ptr<Fd> in_use; ///< keeps the cache's cleaning off, as long as any copy lives

    /// The kernel of a suite ("stable", "backports") or of an exact version, or one that the lab
    /// builds itself (see lab_kernel.h). The error lists what there is.
    [[nodiscard]] Result<Kernel> kernel(std::string_view which) const;
};

/// Names of kernels that need no look into an image: its suites', and those that the lab builds.
std::vector<std::string_view> kernel_names();

/// What images are called in the cache, and the file in there that describes one.
inline constexpr std::string_view image_prefix = "image-";
inline constexpr std::string_view image_file = "image.json";

/// Where the image of the current recipe is, or would be: kernels are not filled in.
Result<Image> wanted_image();

/// The image of the current recipe in the cache; an error that names `nfsrdma-lab image build`
/// when there is none.
Result<Image> find_image();

} // namespace lab
