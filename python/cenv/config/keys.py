# SPDX-License-Identifier: BSD-3-Clause
"""The keys of .condarc that there are, conda 24 to 26: obeyed, without effect, or refused.

A key that restricts what may be used is never passed over: it is obeyed as conda obeys
it, or a value of it that has an effect is an error. docs/command-line.md has the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cenv.config import merging
from cenv.config.condarc import Raw
from cenv.errors import UsageError

# Other names of keys, as conda has them.
ALIASES = {
    "channels": ("channel",),
    "envs_dirs": ("envs_path",),
    "ssl_verify": ("verify_ssl",),
    "client_ssl_cert": ("client_cert",),
    "client_ssl_cert_key": ("client_cert_key",),
    "exclude_newer": ("cooldown",),
    "exclude_newer_package": ("cooldown_exclude",),
    "disallowed_packages": ("disallow",),
    "allowlist_channels": ("whitelist_channels",),
    "always_copy": ("copy",),
    "override_virtual_packages": ("virtual_packages",),
}

# How each key with a field of Config is read.
OBEYED: Mapping[str, merging.Reader] = {
    "channels": merging.sequence,
    "default_channels": merging.sequence,
    "channel_alias": merging.alias,
    "custom_channels": merging.map_of_texts,
    "custom_multichannels": merging.map_of_lists,
    "channel_priority": merging.priority,
    "allowlist_channels": merging.sequence,
    "denylist_channels": merging.sequence,
    "override_channels_enabled": merging.boolean,
    "pinned_packages": merging.specs,
    "ignore_pinned": merging.boolean,
    "disallowed_packages": merging.specs,
    "exclude_newer": merging.moment,
    "exclude_newer_package": merging.moments,
    "channel_settings": merging.channel_cutoffs,
    "use_only_tar_bz2": merging.boolean,
    "subdir": merging.text,
    "override_virtual_packages": merging.map_of_texts,
    "add_pip_as_python_dependency": merging.boolean,
    "non_admin_enabled": merging.boolean,
    "protect_frozen_envs": merging.boolean,
    "register_envs": merging.boolean,
    "envs_dirs": merging.paths,
    "always_copy": merging.boolean,
    "channel_relations_max_depth": merging.count,
    "repodata_use_shards": merging.boolean,
    "repodata_use_zst": merging.boolean,
    "local_repodata_ttl": merging.ttl,
    "use_index_cache": merging.boolean,
    "offline": merging.boolean,
    "ssl_verify": merging.ssl_verify,
    "client_ssl_cert": merging.text,
    "client_ssl_cert_key": merging.text,
    "proxy_servers": merging.map_of_texts,
    "remote_connect_timeout_secs": merging.seconds,
    "remote_read_timeout_secs": merging.seconds,
    "remote_max_retries": merging.count,
}


@dataclass(frozen=True)
class Refusal:
    """A key whose effect cenv lacks: how it is read, its values without effect, and why."""

    read: merging.Reader
    harmless: tuple[Any, ...]
    why: str
    mambas: bool = False  # conda does not know it: a CONDA_ variable is of others


_OFF, _NONE = (False,), ((), "", "none")
_PLAIN_REPODATA = (
    ("repodata.json",),
    ("current_repodata.json",),
    ("current_repodata.json", "repodata.json"),
)
REFUSED: Mapping[str, Refusal] = {
    "allow_cycles": Refusal(
        merging.boolean, (True,), "packages that need each other are installed"
    ),
    "allow_other_channels": Refusal(
        merging.boolean, (True,), "allowlist_channels says which channels may be used"
    ),
    "deps_modifier": Refusal(
        merging.text, ("", "not_set"), "dependencies are always installed"
    ),
    "download_only": Refusal(merging.boolean, _OFF, "packages are linked, too"),
    "dry_run": Refusal(merging.boolean, _OFF, "give --dry-run to cenv create"),
    "force_32bit": Refusal(merging.boolean, _OFF, "say subdir: linux-32"),
    "mirrored_channels": Refusal(
        merging.map_of_lists, ({},), "name the mirror in custom_channels", mambas=True
    ),
    "path_conflict": Refusal(
        merging.text, ("clobber", "warn"), "of files with one path the later one stays"
    ),
    "platform": Refusal(merging.text, ("",), "say subdir", mambas=True),
    "repodata_fns": Refusal(
        merging.sequence, _PLAIN_REPODATA, "repodata.json is read, with its forms"
    ),
    "signing_metadata_url_base": Refusal(
        merging.text, _NONE, "signatures of packages are not verified"
    ),
    "subdirs": Refusal(merging.sequence, _NONE, "say subdir; noarch is always read"),
    "track_features": Refusal(merging.sequence, _NONE, "no feature is tracked unasked"),
    "trusted_channels": Refusal(
        merging.sequence, _NONE, "signatures of packages are not verified", mambas=True
    ),
    "use_local": Refusal(
        merging.boolean, _OFF, "name the directory, as in channels: [~/conda-bld]"
    ),
    "verify_artifacts": Refusal(
        merging.boolean, _OFF, "signatures of packages are not verified", mambas=True
    ),
}

# Keys that restrict nothing: about what cenv does not do (update, prompt, upload), does in
# any case (safety_checks), or does in its own way (threads, solver, places).
HARMLESS = frozenset(
    """
    add_anaconda_token add_binstar_token aggressive_update_packages allow_conda_downgrades
    allow_non_channel_urls allow_softlinks always_softlink softlink always_yes yes
    anaconda_upload binstar_upload auto_activate auto_activate_base auto_stack
    auto_update_conda self_update bld_path changeps1 clobber conda-build conda_build
    console create_default_packages croot debug default_activation_env default_python
    default_threads dev enable_private_envs env_prompt env_spec environment_specifier
    envvars_force_uppercase error_upload_url execute_threads
    experimental experimental_solver export_platforms extra_platforms extra_safety_checks
    fetch_threads force force_reinstall force_remove json list_fields max_shlvl
    migrated_channel_aliases migrated_custom_channels no_lock no_plugins
    notify_outdated_conda number_channel_notices pip_interop_enabled pkgs_dirs
    plugins prefix_data_interoperability preview quiet remote_backoff_factor
    repodata_threads report_errors restore_free_channel rollback_enabled root_dir
    root_prefix safety_checks sat_solver separate_format_cache shortcuts shortcuts_only
    show_channel_urls solver solver_ignore_timestamps target_prefix_override trace
    unsatisfiable_hints unsatisfiable_hints_check_depth update_modifier verbose verbosity
    verify_threads
    """.split()
)
_NEAR = 0.85  # so alike that the one is taken for a slip of the other


def matches(key: str, sources: Iterable[Mapping[str, Raw]]) -> list[Raw]:
    """Return what the sources say of one key, lowest first, up to a final one."""
    found = []
    for source in sources:
        names = [name for name in (key, *ALIASES.get(key, ())) if name in source]
        if len(names) > 1:
            raise source[names[1]].fail(f"it says again what {names[0]} said")
        if names and source[names[0]].value is not None:
            found.append(source[names[0]])
    return merging.up_to_final(found)


def refuse(
    files: Sequence[Mapping[str, Raw]],
    variables: Mapping[str, Raw],
    environ: Mapping[str, str],
) -> None:
    """Raise UsageError for a key with an effect that cenv lacks."""
    for key, refusal in REFUSED.items():
        found = matches(key, files if refusal.mambas else [*files, variables])
        value = refusal.read(found, environ)
        word = value.lower() if isinstance(value, str) else value
        if value is not None and word not in refusal.harmless:
            hint = f"remove {key}, or leave this environment to conda"
            raise found[-1].fail(f"cenv does not support this: {refusal.why}", hint)


def refuse_slips(source: Mapping[str, Raw]) -> None:
    """Raise UsageError for an unknown key of a file that is nearly one that has effect."""
    import difflib

    names = [*OBEYED, *REFUSED, *(name for also in ALIASES.values() for name in also)]
    for key, raw in source.items():
        if key in names or key in HARMLESS:
            continue
        near = difflib.get_close_matches(key, names, 1, _NEAR)
        if near:
            raise UsageError(
                f"{raw.where}: there is no key {key}", hint=f"did you mean {near[0]}?"
            )
