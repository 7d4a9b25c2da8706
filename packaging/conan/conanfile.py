"""conan create packaging/conan, from the source tree (Conan 2)."""
import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy


class Plexus(ConanFile):
    name = "plexus"
    version = "0.1.0"
    description = "Training and running neural networks on CPUs"
    license = "Apache-2.0"
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False], "with_simd": [True, False], "with_tools": [True, False]}
    default_options = {"shared": True, "fPIC": True, "with_simd": True, "with_tools": False}

    def export_sources(self):
        tree = os.path.join(self.recipe_folder, "..", "..")
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "core/*", "backends/*", "layers/*", "io/*", "trainer/*",
                        "bindings/*", "cli/*"):
            copy(self, pattern, tree, self.export_sources_folder)

    def validate(self):
        check_min_cppstd(self, 20)
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("plexus runs on Linux")

    def requirements(self):
        self.requires("onetbb/2021.12.0")
        self.requires("zlib/[>=1.2.13 <2]")
        self.requires("libzip/1.10.1")
        self.requires("nlohmann_json/3.11.3")
        self.requires("xxhash/0.8.2")
        if self.options.with_simd:
            self.requires("highway/1.2.0")
        if self.options.with_tools:
            self.requires("cli11/2.4.2")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["PLEXUS_WITH_SIMD"] = bool(self.options.with_simd)
        toolchain.cache_variables["PLEXUS_WITH_ONEDNN"] = False
        toolchain.cache_variables["PLEXUS_BUILD_TOOLS"] = bool(self.options.with_tools)
        toolchain.cache_variables["PLEXUS_BUILD_TESTS"] = False
        for variable, package, kind in (("PLEXUS_LIBZIP_INCLUDE_DIR", "libzip", "includedirs"),
                                        ("PLEXUS_XXHASH_INCLUDE_DIR", "xxhash", "includedirs"),
                                        ("PLEXUS_HIGHWAY_INCLUDE_DIR", "highway", "includedirs")):
            if package in self.dependencies:
                toolchain.cache_variables[variable] = getattr(self.dependencies[package].cpp_info, kind)[0]
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "plexus")
        self.cpp_info.set_property("cmake_target_name", "plexus::plexus")
        self.cpp_info.set_property("pkg_config_name", "plexus")
        self.cpp_info.libs = ["plexus"]
        if not self.options.shared:
            self.cpp_info.defines = ["PLEXUS_STATIC_DEFINE"]
            self.cpp_info.system_libs = ["dl", "m", "pthread"]
