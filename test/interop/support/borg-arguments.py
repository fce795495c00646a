"""Reads command lines with borg's own parser, thousands in one process.

stdin: {"lines": [{"argv": [...], "environment": {...}}, ...]}
stdout: {"options": {command: [option, ...]}, "outcomes": [...]}. An outcome is {"code", "stdout", "stderr"} where borg
would have ended, and {"args", "stdout", "stderr"} where it would have gone to work.
"""
import argparse
import contextlib
import functools
import io
import json
import logging
import os
import sys

from borg.archiver import Archiver, get_func
from borg.helpers import Error, Location
from borg.patterns import IECommand

logging.disable(logging.CRITICAL)
sys.argv[0] = 'borg'
# Built once: nothing in it remembers what it has parsed, except for these lists.
build_parser = Archiver.build_parser
Archiver.build_parser = functools.lru_cache(maxsize=1)(lambda self: build_parser(self))
archiver = Archiver()
VERDICTS = {IECommand.Include: 'include', IECommand.Exclude: 'exclude', IECommand.ExcludeNoRecurse: 'exclude-and-skip'}


def subparsers(parser):
    found = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found.update(action.choices)
    return found


def all_parsers(parser, words=()):
    yield words, parser
    for name, child in subparsers(parser).items():
        yield from all_parsers(child, (*words, name))


def forget(parser):
    for _, each in all_parsers(parser):
        for default in each._defaults.values():
            if isinstance(default, list):
                default.clear()


def plain(value):
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Location):
        return value.canonical_path() + ('::' + value.archive if value.archive else '')
    if isinstance(value, tuple) and len(value) == 2 and value[1] in VERDICTS:
        return {'style': value[0].PREFIX, 'text': value[0].pattern_orig, 'verdict': VERDICTS[value[1]]}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return '<%s>' % type(value).__name__


def outcome(argv, environment):
    saved = dict(os.environ)
    os.environ.update(environment)
    out, err = io.StringIO(), io.StringIO()
    result = {}
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            args = archiver.get_args(['borg', *argv], None)
        if hasattr(args, 'func'):
            result['args'] = {name: plain(value) for name, value in vars(args).items()}
        else:
            result['code'] = get_func(args)(args)
            out.write('help')
    except SystemExit as end:
        result['code'] = end.code
    except Error as error:
        result['code'] = error.exit_code
        err.write(error.get_message() + '\n')
    except argparse.ArgumentTypeError as error:
        result['code'] = 2
        err.write(str(error) + '\n')
    except Exception as error:  # what ends in a traceback
        result['code'] = 2
        result['crash'] = repr(error)
    finally:
        os.environ.clear()
        os.environ.update(saved)
        forget(archiver.build_parser())
    return dict(result, stdout=out.getvalue(), stderr=err.getvalue())


request = json.load(sys.stdin)
stdout, sys.stdout = sys.stdout, io.StringIO()
parser = archiver.build_parser()
answer = {
    'options': {' '.join(words): sorted(each._option_string_actions) for words, each in all_parsers(parser)},
    'outcomes': [outcome(line['argv'], line['environment']) for line in request['lines']],
}
json.dump(answer, stdout)
