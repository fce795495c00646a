"""Takes authentication out of a repository with borg's own code, as borg before 1.0.9 would have left it: PATH, names of archives."""
import sys

import borg.logger

borg.logger.setup_logging(level='error')
from borg.helpers import Manifest, msgpack
from borg.repository import Repository

path, *names = sys.argv[1:]
with Repository(path, exclusive=True) as repository:
    manifest, key = Manifest.load(repository, Manifest.NO_OPERATION_CHECK, force_tam_not_required=True)
    key.tam_required = False
    if hasattr(key, 'change_passphrase'):
        key.change_passphrase(key._passphrase)
    packed = msgpack.unpackb(key.decrypt(None, repository.get(Manifest.MANIFEST_ID)))
    for name in names:
        entry = packed[b'archives'][name.encode()]
        archive = msgpack.unpackb(key.decrypt(entry[b'id'], repository.get(entry[b'id'])))
        del archive[b'tam']
        data = msgpack.packb(archive)
        repository.delete(entry[b'id'])
        entry[b'id'] = key.id_hash(data)
        repository.put(entry[b'id'], key.encrypt(data))
    del packed[b'tam']
    packed[b'config'].pop(b'tam_required', None)
    repository.put(Manifest.MANIFEST_ID, key.encrypt(msgpack.packb(packed)))
    repository.commit(compact=False)
