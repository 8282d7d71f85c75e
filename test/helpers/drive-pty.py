"""Run by pty.test.ts: gives a program a terminal of its own and types into it.

Arguments: a JSON list of [text to wait for, keys to type], then the program. A key is typed
again while the text after it does not appear, as a person would whose key came too soon.
Prints what the program wrote, then how the terminal was left and how the program ended.
"""
import json, os, pty, select, sys, termios, time

steps = json.loads(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen = b''
deadline = time.monotonic() + 30

def read(seconds):
    global seen
    if not select.select([fd], [], [], seconds)[0]:
        return True
    try:
        part = os.read(fd, 65536)
    except OSError:
        return False
    seen += part
    return part != b''

alive = True
left = None
for index, (mark, keys) in enumerate(steps):
    while alive and mark.encode() not in seen and time.monotonic() < deadline:
        alive = read(1)
    following = steps[index + 1][0].encode() if index + 1 < len(steps) else None
    while alive and keys and following is not None and following not in seen and time.monotonic() < deadline:
        os.write(fd, keys.encode())
        alive = read(0.1)
    try:
        left = termios.tcgetattr(fd)[3]
    except termios.error:
        pass
while alive and time.monotonic() < deadline:
    alive = read(1)
_, status = os.waitpid(pid, 0)
cooked = left is not None and bool(left & termios.ICANON) and bool(left & termios.ECHO)
print(json.dumps({'seen': seen.decode('utf8', 'replace'), 'cooked': cooked, 'status': status}))
