"""A notification server of org.freedesktop.Notifications: says what it was told as JSON lines, and presses the button that it is told to."""
import json, sys
import dbus, dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib
DBusGMainLoop(set_as_default=True)
PRESS = sys.argv[1]
NAME = 'org.freedesktop.Notifications'
class Server(dbus.service.Object):
    @dbus.service.method(NAME, in_signature='susssasa{sv}i', out_signature='u')
    def Notify(self, app, replaces, icon, summary, body, actions, hints, timeout):
        print(json.dumps({'app': app, 'summary': summary, 'body': body, 'actions': list(actions)}), flush=True)
        if PRESS != 'wait': GLib.timeout_add(int(sys.argv[2]), self.press)
        return 1
    def press(self):
        if PRESS != '': self.ActionInvoked(1, PRESS)
        self.NotificationClosed(1, 2)
        return False
    @dbus.service.method(NAME, out_signature='as')
    def GetCapabilities(self): return ['actions', 'body']
    @dbus.service.method(NAME, out_signature='ssss')
    def GetServerInformation(self): return ('test', 'test', '1', '1.2')
    @dbus.service.method(NAME, in_signature='u')
    def CloseNotification(self, id):
        print('{"closed": true}', flush=True)
        self.NotificationClosed(id, 3)
    @dbus.service.signal(NAME, signature='us')
    def ActionInvoked(self, id, key): pass
    @dbus.service.signal(NAME, signature='uu')
    def NotificationClosed(self, id, reason): pass
bus = dbus.SessionBus()
name = dbus.service.BusName(NAME, bus)
Server(bus, '/org/freedesktop/Notifications')
print('{"up": true}', flush=True)
GLib.MainLoop().run()
