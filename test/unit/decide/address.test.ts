/** Which addresses may be dialled, and what opens the others. */
import t from 'tap'
import { classifyAddress, createAddressJudge } from '../../../lib/decide/address.ts'
import { PUBLIC_ONLY } from '../../../lib/model/policy.ts'
import type { AddressClass, AddressScope } from '../../../lib/model/policy.ts'

// [why, address, class]; the vectors hold the rest
const classes: [string, string, AddressClass][] = [
  ['a cloud metadata service that is not the usual one', '169.254.169.253', 'metadata'],
  ['metadata in unique local space', 'fd20:ce::254', 'metadata'],
  ['metadata inside NAT64', '64:ff9b::a9fe:a9fe', 'metadata'],
  ['site-local', 'fec0::1', 'private'],
  ['a translated address is its IPv4 address', '::ffff:0:10.0.0.1', 'private'],
  ['a translated public address', '::ffff:0:8.8.8.8', 'public'],
  ['outside 2000::/3', '4000::1', 'reserved'],
  ['the protocol block', '2001:2::1', 'reserved'],
  ['the newer documentation range', '3fff::1', 'reserved'],
  ['segment routing', '5f00::1', 'reserved'],
  ['the 6to4 relay', '192.88.99.1', 'reserved'],
  ['link-local outside and public inside', 'fe80::5efe:8.8.8.8', 'link-local'],
  ['a server of Teredo is judged like its client', '2001:0:a9fe:a9fe:0:0:f7f7:f7f7', 'metadata'],
  ['a zone', 'fe80::1%eth0', 'reserved'],
  ['a zone that hides a name', '::ffff:8.8.8.8%x.example.com', 'reserved'],
  ['a name', 'localhost', 'reserved'],
  ['another spelling of IPv4', '0x7f000001', 'reserved'],
  ['nothing', '', 'reserved'],
]
for (const [why, address, expected] of classes) t.equal(classifyAddress(address), expected, `${address}: ${why}`)

const scope = (opened: AddressScope['private'], cidrs: string[] = []): AddressScope => ({ key: 'k', private: opened, cidrs })
const judge = createAddressJudge({
  localAddresses: () => ['203.0.112.7', '192.168.1.5', 'fe80::1%eth0', '2606:4700::99'],
  listeners: () => [{ address: '127.0.0.1', port: 8080 }],
})

// [why, address, port, scope, may it be dialled]
const judged: [string, string, number, AddressScope, boolean][] = [
  ['public is open', '8.8.8.8', 443, PUBLIC_ONLY, true],
  ['private is shut', '10.0.0.1', 443, PUBLIC_ONLY, false],
  ['and opened by a rule', '10.0.0.1', 443, scope(true), true],
  ['loopback too', '127.0.0.1', 443, scope(true), true],
  ['mapped loopback too', '::ffff:127.0.0.1', 443, scope(true), true],
  ['metadata is opened by no `private`', '169.254.169.254', 80, scope(true), false],
  ['nor by a list', '169.254.169.254', 80, scope(['169.254.169.254/32']), false],
  ['but by a cidr rule that names it', '169.254.169.254', 80, scope(false, ['169.254.169.254/32']), true],
  ['not by one that is too wide', '169.254.169.254', 80, scope(false, ['169.254.0.0/16']), false],
  ['reserved by a /24', '192.0.2.9', 80, scope(false, ['192.0.2.0/24']), true],
  ['metadata in IPv6 by a /64', 'fd00:ec2::254', 80, scope(false, ['fd00:ec2::/64']), true],
  ['not by a /48', 'fd00:ec2::254', 80, scope(false, ['fd00:ec2::/48']), false],
  ['a list opens what it lists', '10.1.2.3', 443, scope(['10.1.0.0/16']), true],
  ['and nothing else', '10.2.2.3', 443, scope(['10.1.0.0/16']), false],
  ['an address inside IPv6 is opened as IPv4', '::ffff:10.1.2.3', 443, scope(['10.1.0.0/16']), true],
  ['a private outside is not opened by its inside', 'fd00::5efe:10.1.2.3', 443, scope(['10.1.0.0/16']), false],
  ['both together', 'fd00::5efe:10.1.2.3', 443, scope(['10.1.0.0/16', 'fd00::/8']), true],
  ['an interface of ours counts as loopback', '203.0.112.7', 443, PUBLIC_ONLY, false],
  ['in IPv6 too', '2606:4700::99', 443, PUBLIC_ONLY, false],
  ['and is opened like it', '203.0.112.7', 443, scope(true), true],
  ['ourselves, never', '127.0.0.1', 8080, scope(true), false],
  ['ourselves by another loopback address', '127.9.9.9', 8080, scope(true), false],
  ['ourselves by the unspecified address', '0.0.0.0', 8080, scope(true, ['0.0.0.0/24']), false],
  ['ourselves by IPv6', '::', 8080, scope(true, ['::/128']), false],
  ['ourselves by an interface', '192.168.1.5', 8080, scope(true), false],
  ['ourselves by a mapped address', '::ffff:192.168.1.5', 8080, scope(true, ['192.168.1.5/32']), false],
  ['a neighbour on our port is not us', '192.168.1.6', 8080, scope(true), true],
  ['what does not parse', 'example.com', 443, scope(true, ['0.0.0.0/0']), false],
]
for (const [why, address, port, opened, mayDial] of judged) {
  t.equal(judge(address, port, opened).kind, mayDial ? 'may-dial' : 'forbidden', `${address}:${port}: ${why}`)
}
t.match(judge('127.0.0.1', 8080, scope(true)), { class: 'self' }, 'and it is said why')
t.match(judge('192.168.1.5', 80, scope(true)), { class: 'loopback' })
t.match(judge('fe80::1', 80, scope(true)), { kind: 'forbidden', class: 'link-local' }, 'a local address keeps a class that is stricter')
