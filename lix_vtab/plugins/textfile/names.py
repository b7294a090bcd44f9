"""The names and suffixes of files that are known to be text."""

from __future__ import annotations

__all__ = ["is_known_text"]

# fmt: off
_SUFFIXES = frozenset((
    "adoc", "asc", "asciidoc", "asm", "astro", "awk", "bash", "bat", "bats", "bazel", "bib",
    "bzl", "c", "cc", "cfg", "cjs", "clj", "cljs", "cls", "cmake", "cmd", "coffee", "conf",
    "config", "cpp", "cr", "cs", "cshtml", "csproj", "css", "cts", "cue", "cxx", "d", "dart",
    "desktop", "diff", "dockerfile", "dot", "edn", "ejs", "el", "elm", "env", "erb", "erl",
    "ex", "exs", "f", "f90", "fish", "fs", "fsi", "fsx", "ftl", "gd", "gemspec", "glsl", "go",
    "gql", "gradle", "graphql", "groovy", "h", "haml", "handlebars", "hbs", "hcl", "hh", "hlsl",
    "hpp", "hrl", "hs", "htaccess", "htm", "html", "http", "hxx", "idl", "in", "ini", "inl",
    "ipp", "j2", "java", "jinja", "jl", "js", "json5", "jsonc", "jsonl", "jsx", "kt", "kts",
    "less", "lhs", "lisp", "list", "lock", "log", "lua", "m", "m4", "mak", "make", "markerb",
    "mjs", "mk", "ml", "mli", "mm", "mod", "mts", "mustache", "ndjson", "nim", "ninja", "nix",
    "njk", "nut", "org", "pas", "patch", "pem", "php", "pl", "plist", "pm", "po", "pot",
    "prisma", "properties", "proto", "ps1", "psd1", "psm1", "pug", "py", "pyi", "pyx", "r",
    "rake", "rb", "rego", "rkt", "ron", "rs", "rst", "rtf", "s", "sass", "sbt", "scala", "scm",
    "scss", "sed", "service", "sh", "sln", "sol", "sql", "srt", "ss", "st", "styl", "sum", "sv",
    "svelte", "svg", "swift", "t", "tcl", "template", "tex", "text", "tf", "tfvars", "thrift",
    "tmpl", "toml", "tpl", "ts", "tsx", "twig", "txt", "v", "vb", "vbs", "vcf", "vert", "vhd",
    "vhdl", "vim", "vtt", "vue", "wat", "webmanifest", "wgsl", "xaml", "xhtml", "xml", "xsd",
    "xsl", "xslt", "yaml", "yml", "zig", "zsh",
))
_NAMES = frozenset((
    ".babelrc", ".bash_profile", ".bashrc", ".clang-format", ".dockerignore", ".editorconfig",
    ".env", ".eslintignore", ".eslintrc", ".gitattributes", ".gitignore", ".gitmodules",
    ".mailmap", ".npmignore", ".npmrc", ".nvmrc", ".prettierignore", ".prettierrc", ".profile",
    ".pylintrc", ".vimrc", ".zshrc", "authors", "brewfile", "build", "changelog", "changes",
    "codeowners", "contributing", "contributors", "copying", "dockerfile", "gemfile",
    "gnumakefile", "jenkinsfile", "justfile", "license", "makefile", "news", "notice",
    "procfile", "rakefile", "readme", "todo", "vagrantfile", "version", "workspace",
))
# fmt: on


def is_known_text(path: str) -> bool:
    """Tell whether the name of a file says that it is text.

    >>> is_known_text("/src/main.rs"), is_known_text("/Makefile"), is_known_text("/data.bin")
    (True, True, False)
    """
    name = path.rpartition("/")[2].lower()
    return name in _NAMES or ("." in name[1:] and name.rpartition(".")[2] in _SUFFIXES)
