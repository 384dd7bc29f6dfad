// SPDX-License-Identifier: GPL-2.0-only
#include "image/image.h"

#include "image/build.h"
#include "image/cache.h"
#include "image/lab_kernel.h"
#include "util/file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace lab {

using nlohmann::json;

Result<Kernel> Image::kernel(std::string_view which) const {
    std::vector<std::string> known;
    for (const auto &kernel : kernels) {
        if (kernel.suite == which || kernel.version == which)
            return kernel;
        known.push_back(fmt::format("{} ({})", kernel.suite, kernel.version));
    }
    const auto own = lab_kernel_names();
    if (std::ranges::find(own, which) != own.end())
        return find_lab_kernel(which);
    return fail(fmt::format("the image has no kernel \"{}\"; it has {}; the lab's own are {}",
                            which, fmt::join(known, ", "), fmt::join(own, ", ")));
}

std::vector<std::string_view> kernel_names() {
    std::vector<std::string_view> names{"stable", "backports"};
    const auto own = lab_kernel_names();
    names.insert(names.end(), own.begin(), own.end());
    return names;
}

Result<Image> wanted_image() {
    const auto cache = TRY(cache_dir());
    const auto recipe = TRY(recipe_hash());
    Image image;
    image.recipe = recipe;
    image.dir = cache / (std::string(image_prefix) + recipe);
    image.disk = image.dir / "disk.raw";
    image.root = image.dir / "root";
    image.key = image.dir / "key";
    return image;
}

Result<Image> find_image() {
    auto image = TRY(wanted_image());
    const auto file = image.dir / image_file;
    const auto in_use = use_entry(file);
    const auto text = read_file(file);
    if (!in_use || !text)
        return fail(fmt::format("there is no guest image of this recipe in {}: run nfsrdma-lab "
                                "image build",
                                image.dir.parent_path().string()));
    const auto description = json::parse(*text, nullptr, false);
    if (!description.is_object() || !description.contains("kernels"))
        return fail(fmt::format("{} is damaged: remove the directory and run nfsrdma-lab image "
                                "build",
                                file.string()));
    image.in_use = *in_use;
    for (const auto &entry : description.at("kernels")) {
        const auto version = entry.value("version", "");
        image.kernels.push_back({.version = version,
                                 .suite = entry.value("suite", ""),
                                 .vmlinux = image.dir / ("vmlinux-" + version),
                                 .initramfs = image.dir / ("initramfs-" + version),
                                 .root = image.root,
                                 .build = "/lib/modules/" + version + "/build"});
    }
    return image;
}

} // namespace lab
