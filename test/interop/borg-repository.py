"""Lets borg's own repository code do what a test says: one JSON request a line on stdin, one JSON answer a line on stdout."""
import json
import sys

import borg.logger

borg.logger.setup_logging(level='error')
from borg.repository import Repository


def perform(request):
    answer = {}
    with Repository(request['path'], exclusive=True) as repository:
        for step in request['steps']:
            if step[0] == 'put':
                repository.put(bytes.fromhex(step[1]), bytes.fromhex(step[2]))
            elif step[0] == 'delete':
                repository.delete(bytes.fromhex(step[1]))
            elif step[0] == 'commit':
                repository.commit(compact=step[1])
            elif step[0] == 'check':
                answer['check'] = repository.check(repair=step[1])
            elif step[0] == 'contents':
                ids = repository.list()
                answer['contents'] = {id.hex(): repository.get(id).hex() for id in ids}
                answer['scan'] = [id.hex() for id in repository.scan()]
            else:
                raise ValueError(step)
    return answer


for line in sys.stdin:
    try:
        answer = perform(json.loads(line))
    except Exception as error:
        answer = {'error': repr(error)}
    print(json.dumps(answer), flush=True)
