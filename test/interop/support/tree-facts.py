"""What is in some folders, seen by a witness that shares nothing with the code under test.

Prints {folder: [facts, ordered by path]} as JSON. The facts are those of fixtures/README-repositories.md, "files[]", and
here all extended attributes, those of ACLs included, and blocks: how much of a file takes up space.
"""
import hashlib
import json
import os
import stat
import sys


def facts_of(root):
    root = os.fsencode(root)
    facts = []
    groups = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            facts.append(fact(path, os.path.relpath(path, root), groups))
    return sorted(facts, key=lambda each: bytes.fromhex(each["path_hex"]))


def fact(path, shown, groups):
    found = os.lstat(path)
    mode = found.st_mode
    each = dict(
        path_hex=shown.hex(),
        mode="%06o" % mode,
        mtime_ns=str(found.st_mtime_ns),
        uid=found.st_uid,
        gid=found.st_gid,
    )
    if stat.S_ISREG(mode):
        each["size"] = found.st_size
        each["blocks"] = found.st_blocks
        each["sha256"] = digest(path)
    elif stat.S_ISLNK(mode):
        each["linktarget_hex"] = os.readlink(path).hex()
    elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        each["rdev"] = [os.major(found.st_rdev), os.minor(found.st_rdev)]
    if not stat.S_ISDIR(mode) and found.st_nlink > 1:
        each["hardlink_group"] = groups.setdefault((found.st_dev, found.st_ino), len(groups))
    xattrs = xattrs_of(path)
    if xattrs:
        each["xattrs_hex"] = xattrs
    return each


def digest(path):
    sha256 = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            sha256.update(block)
    return sha256.hexdigest()


def xattrs_of(path):
    if not hasattr(os, "listxattr"):
        return {}
    names = os.listxattr(path, follow_symlinks=False)
    return {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in names}


json.dump({folder: facts_of(folder) for folder in sys.argv[1:]}, sys.stdout)
