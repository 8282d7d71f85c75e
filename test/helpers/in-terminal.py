"""Gives a program a terminal of its own and types into it.

Arguments: a JSON list of [text to wait for since the last one, what to type then], then the program. What begins with
"..." is typed (without them) again and again until the next text appears, as somebody would whose key came too soon.
Prints what the program wrote, how the terminal was left, and how the program ended.
"""
import fcntl, json, os, pty, select, struct, sys, termios, time

steps = json.loads(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 33, 111, 0, 0))
seen = b''
at = 0
deadline = time.monotonic() + 30
left = None

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
again = b''
for mark, text in steps:
    while alive and mark.encode() not in seen[at:] and time.monotonic() < deadline:
        alive = read(0.2)
        if alive and again and mark.encode() not in seen[at:]:
            os.write(fd, again)
    found = seen.find(mark.encode(), at)
    at = len(seen) if found < 0 else found + len(mark)
    try:
        left = termios.tcgetattr(fd)[3]
    except termios.error:
        pass
    again = text[3:].encode() if text.startswith('...') else b''
    if alive and text and not again:
        os.write(fd, text.encode())
while alive and time.monotonic() < deadline:
    alive = read(0.2)
if alive:
    os.kill(pid, 9)
_, status = os.waitpid(pid, 0)
cooked = left is not None and bool(left & termios.ICANON) and bool(left & termios.ECHO)
print(json.dumps({'seen': seen.decode('utf8', 'replace'), 'cooked': cooked, 'status': status}))
