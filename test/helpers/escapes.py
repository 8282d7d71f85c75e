"""Ways out of a sandbox, each tried from inside. Prints one JSON object: name -> why it failed, or "OPEN: ..." where it did not."""
import ctypes, errno, fcntl, json, os, platform, signal, socket, struct, subprocess, sys, time

outside = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
X64 = platform.machine() == 'x86_64'
number = lambda x64, arm64: x64 if X64 else arm64
results = {}

def attempt(name):
    def run(function):
        try:
            results[name] = 'OPEN: %r' % (function(),)
        except OSError as error:
            results[name] = errno.errorcode.get(error.errno, 'error') if error.errno else 'timeout'
        except subprocess.SubprocessError as error:
            results[name] = 'failed'
        except AssertionError as error:
            results[name] = str(error) or 'failed'
    return run

def checked(value):
    if value == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return value

def syscall(*args):
    return checked(libc.syscall(*[ctypes.c_long(a) if isinstance(a, int) else a for a in args]))

def answered(address, text=b'x', family=socket.AF_INET, kind=socket.SOCK_DGRAM):
    s = socket.socket(family, kind)
    s.settimeout(2)
    s.connect(address)
    s.send(text)
    return s.recv(100)

def tool(*command):
    found = subprocess.run(command, capture_output=True, timeout=10)
    assert found.returncode == 0, 'failed: %s' % found.stderr.decode().strip()[:80]
    return command

# The network
for where in outside['addresses']:
    attempt('tcp to the host at %s' % where)(lambda: [answered((where, outside['tcp']), kind=socket.SOCK_STREAM)] == [b'host\n'] or (_ for _ in ()).throw(AssertionError('another one answered')))
    attempt('udp to the host at %s' % where)(lambda: answered((where, outside['udp'])))
attempt('udp to an address')(lambda: answered(('192.0.2.9', 443)))
attempt('udp over IPv6')(lambda: answered(('2001:db8::9', 443), family=socket.AF_INET6))
attempt('udp multicast')(lambda: answered(('224.0.0.251', 5353)))
attempt('udp broadcast')(lambda: answered(('255.255.255.255', 67)))
attempt('ping socket')(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).sendto(b'\x08\0\0\0\0\0\0\0', ('192.0.2.9', 0)))
attempt('raw socket')(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
attempt('raw socket over IPv6')(lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 58))
attempt('sctp')(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132).connect(('192.0.2.9', 443)))
attempt('packet socket')(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
for family, name in [(40, 'vsock'), (31, 'bluetooth'), (38, 'kernel crypto'), (44, 'xdp'), (30, 'tipc'), (41, 'kcm'), (21, 'rds')]:
    attempt('%s socket' % name)(lambda: socket.socket(family, socket.SOCK_STREAM, 0))
attempt('nft')(lambda: tool('/usr/sbin/nft', 'flush', 'ruleset'))
attempt('nft list and add')(lambda: tool('/usr/sbin/nft', 'add', 'table', 'inet', 'mine'))
attempt('route')(lambda: tool('/usr/sbin/ip', 'route', 'add', '192.0.2.0/24', 'dev', 'lo'))
attempt('route of everything')(lambda: tool('/usr/sbin/ip', 'route', 'flush', 'table', 'local'))
attempt('link')(lambda: tool('/usr/sbin/ip', 'link', 'add', 'x', 'type', 'dummy'))
attempt('tunnel device')(lambda: os.open('/dev/net/tun', os.O_RDWR))

# Namespaces, mounts, privileges
for flag, name in [(0x10000000, 'user'), (0x40000000, 'network'), (0x20000, 'mount'), (0x20000000, 'process')]:
    attempt('unshare a %s namespace' % name)(lambda: checked(libc.unshare(flag)))
    attempt('clone into a %s namespace' % name)(lambda: syscall(number(56, 220), flag | signal.SIGCHLD, 0, 0, 0, 0) or os._exit(0))
attempt('clone3')(lambda: syscall(435, ctypes.create_string_buffer(struct.pack('QQQQQQQQ', 0x10000000, 0, 0, 0, 17, 0, 0, 0)), 64) or os._exit(0))
attempt('enter the namespace of the first process')(lambda: checked(libc.setns(os.open('/proc/1/ns/net', os.O_RDONLY), 0)))
attempt('mount')(lambda: checked(libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)))
attempt('remount the system writable')(lambda: checked(libc.mount(None, b'/usr', None, 0x1020, None)))
attempt('unmount')(lambda: checked(libc.umount2(b'/proc/sys', 2)))
attempt('chroot')(lambda: os.chroot('/tmp'))
attempt('device node')(lambda: os.mknod('/tmp/disk', 0o60600, os.makedev(254, 0)))
attempt('setuid program')(lambda: tool('su', '-c', 'id', 'root') if os.getuid() else tool('setpriv', '--inh-caps=+net_admin', 'id'))
def setuid_file():
    open('left-behind', 'w').close()
    try: os.chmod('left-behind', 0o4755)
    finally:
        mode = os.stat('left-behind').st_mode
        os.unlink('left-behind')
    return oct(mode)
attempt('leave a setuid file')(setuid_file)
def made_setuid():
    os.umask(0)
    fd = os.open('left-behind', os.O_CREAT | os.O_WRONLY, 0o4755)
    os.unlink('left-behind')
    return fd
attempt('make a setuid file')(made_setuid)
attempt('become somebody else')(lambda: os.setuid(os.getuid() + 1))
attempt('host name')(lambda: socket.sethostname('mine'))
attempt('time')(lambda: checked(libc.settimeofday(ctypes.create_string_buffer(struct.pack('qq', 1, 0)), None)))
attempt('handle of a file')(lambda: syscall(number(304, 265), -100, ctypes.create_string_buffer(struct.pack('II', 8, 1) + b'\0' * 8), 0))

# The kernel
attempt('io_uring')(lambda: syscall(425, 8, ctypes.create_string_buffer(256)))
attempt('keys')(lambda: syscall(number(250, 219), 0, -3, 0))
attempt('bpf')(lambda: syscall(number(321, 280), 0, ctypes.create_string_buffer(64), 64))
attempt('perf')(lambda: syscall(number(298, 241), ctypes.create_string_buffer(128), 0, -1, -1, 0))
for path in ['/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sys/net/ipv4/ip_forward', '/proc/sys/net/ipv4/ip_unprivileged_port_start', '/proc/sysrq-trigger', '/proc/sys/vm/drop_caches']:
    attempt('write %s' % path)(lambda: os.open(path, os.O_WRONLY))
for path in ['/dev/mem', '/dev/kmsg', '/proc/kcore', '/dev/vda', '/dev/sda', '/sys/kernel/uevent_helper', '/sys/fs/cgroup/release_agent', '/sys/kernel/security']:
    attempt('open %s' % path)(lambda: os.open(path, os.O_RDONLY))
def type_in_terminal():
    terminal = os.open('/dev/tty', os.O_RDWR) if not os.isatty(0) else 0
    fcntl.ioctl(terminal, 0x5412, b'x')
attempt('type into the terminal')(type_in_terminal)

# Processes of the host
pid = outside['pid']
attempt('signal the firewall')(lambda: os.kill(pid, signal.SIGTERM))
attempt('signal the firewall\'s group')(lambda: os.killpg(pid, signal.SIGTERM))
attempt('trace the firewall')(lambda: checked(libc.ptrace(16, pid, 0, 0)))
attempt('trace the first process')(lambda: checked(libc.ptrace(16, 1, 0, 0)))
attempt('memory of the firewall')(lambda: open('/proc/%d/mem' % pid, 'rb'))
attempt('files of the firewall')(lambda: os.listdir('/proc/%d/root' % pid))
attempt('descriptors of the firewall')(lambda: os.listdir('/proc/%d/fd' % pid))
def other_processes():
    seen = [p for p in os.listdir('/proc') if p.isdigit()]
    names = [open('/proc/%s/cmdline' % p).read() for p in seen]
    assert any('helper' in name or 'sallyport run' in name for name in names), 'none is seen'
    return names
attempt('find the helper')(other_processes)
def kill_all():
    hit = []
    own = {int(p) for p in os.listdir('/proc') if p.isdigit()}
    for p in range(2, 40000):
        if p in own: continue
        try: os.kill(p, 0); hit.append(p)
        except OSError: pass
    assert hit, 'none is there to signal'
    return hit
attempt('signal everybody')(kill_all)
def debugger():
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    os.kill(0, signal.SIGUSR1)
    for _ in range(10):
        time.sleep(0.05)
        if socket.socket().connect_ex(('127.0.0.1', 9229)) == 0: return 9229
    raise AssertionError('it answers nobody')
attempt('have a process of our group open its debugger')(debugger)
def root_of_first():
    os.listdir('/proc/1/root')
    assert os.path.exists('/proc/1/root' + outside['secret']), 'it is our own'
    return '/proc/1/root'
attempt('root of the first process')(root_of_first)
def descriptors():
    found = []
    for p in os.listdir('/proc'):
        if not p.isdigit(): continue
        try:
            for fd in os.listdir('/proc/%s/fd' % p):
                target = os.readlink('/proc/%s/fd/%s' % (p, fd))
                if int(fd) > 2 and target.startswith(('/', 'socket:')) and not target.startswith(('/proc', '/dev/pts')): found.append((p, fd, target))
        except OSError: pass
    assert found, 'none was left open'
    return found
attempt('descriptors left open')(descriptors)

# Sockets and files of the host
for name in ['unix', 'control', 'runtime']:
    attempt('unix socket: %s' % name)(lambda: answered(outside[name], family=socket.AF_UNIX, kind=socket.SOCK_STREAM))
attempt('unix socket through the first process')(lambda: answered('/proc/1/root' + outside['unix'], family=socket.AF_UNIX, kind=socket.SOCK_STREAM))
attempt('abstract socket')(lambda: answered('\0' + outside['abstract'], family=socket.AF_UNIX, kind=socket.SOCK_STREAM))
for path in ['/var/run/docker.sock', '/run/dbus/system_bus_socket', '/tmp/.X11-unix/X0', '/run/systemd/private', '/run/containerd/containerd.sock']:
    attempt('unix socket: %s' % path)(lambda: answered(path, family=socket.AF_UNIX, kind=socket.SOCK_STREAM))
for name in ['key', 'secret']:
    attempt('read the %s' % name)(lambda: open(outside[name]).read())
def search():
    found = [os.path.join(folder, name) for folder, _, names in os.walk('/') if not folder.startswith('/proc') for name in names if name == 'ca.key']
    assert found, 'not found'
    return found
attempt('search for the key')(search)
def listening():
    lines = open('/proc/net/tcp6').read().split('\n')[1:] + open('/proc/net/tcp').read().split('\n')[1:]
    return sorted({int(line.split()[1].split(':')[1], 16) for line in lines if line and line.split()[3] == '0A'})
def own_listener():
    got = []
    for port in listening():
        for address in ['127.0.0.1', '::1']:
            try:
                got.append(answered((address, port), family=socket.AF_INET6 if ':' in address else socket.AF_INET, kind=socket.SOCK_STREAM))
            except OSError: pass
    assert any(got), 'it answers nobody'
    return got
attempt('talk to the listener as if we were redirected')(own_listener)

print(json.dumps(results))
