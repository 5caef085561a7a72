#!/usr/bin/env bash
# A real IMAP server (Dovecot) and a real SMTP server (OpenSMTPD) on loopback, joined by one Maildir.
# usage: start-mail.sh WORKDIR IMAP_PORT [stop]   (SMTP listens on the next two). Needs root, as OpenSMTPD does.
# Any user name with the password `secret` signs in; each address has a mailbox of its own, tags stripped.
# bounce@… is refused at RCPT; gone@… is taken, handed on to the second port, refused there, and so comes back
# as a report. Nothing leaves this machine.
# OpenSMTPD keeps its queue in /var/spool/smtpd and one socket in /var/run: one instance a machine.
set -euo pipefail
PATH=$PATH:/usr/sbin
W=$(mkdir -p "$1" && cd "$1" && pwd); IMAP=$2; SMTP=$((IMAP + 1))
stop() { for f in smtp.pid run/master.pid; do if [ -f "$W/$f" ]; then kill "$(cat "$W/$f")" 2>/dev/null || true; fi; done; rm -f "$W/smtp.pid"; }
if [ "${3:-}" = stop ]; then stop; exit 0; fi
cd "$W"
id vmail >/dev/null 2>&1 || useradd -r -M -s /usr/sbin/nologin vmail
mkdir -p mail run state; chown vmail:vmail mail; chmod 755 "$W"
cat > dovecot.conf <<EOF
base_dir = $W/run
state_dir = $W/state
instance_name = kartoteka-$IMAP
log_path = $W/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 1
mail_location = maildir:$W/mail/%u
namespace inbox {
  inbox = yes
}
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=$W/mail/%u
}
service imap-login {
  inet_listener imap {
    port = $IMAP
  }
  inet_listener imaps {
    port = 0
  }
}
EOF
cat > smtpd.conf <<EOF
listen on 127.0.0.1 port $SMTP hostname mx.example.org
listen on 127.0.0.1 port $((SMTP + 1)) hostname far.example.org tag FAR
table refused { "^bounce@.*" }
table gone { "^gone@.*" }
action "box" maildir "$W/mail/%{rcpt:strip}" user vmail virtual { "@" = vmail }
action "onward" relay host smtp://127.0.0.1:$((SMTP + 1))
match from any for rcpt-to regex <refused> reject
match tag FAR from any for rcpt-to regex <gone> reject
match from any for rcpt-to regex <gone> action "onward"
match from any for any action "box"
EOF
smtpd -n -f "$W/smtpd.conf" 2>smtp.log || { cat smtp.log >&2; exit 1; }
dovecot -c "$W/dovecot.conf" >dovecot.out 2>&1 </dev/null  # it keeps what it is given open
setsid nohup smtpd -d -f "$W/smtpd.conf" >smtp.log 2>&1 </dev/null & echo $! >smtp.pid
for _ in $(seq 60); do
  (exec 3<>"/dev/tcp/127.0.0.1/$IMAP") 2>/dev/null && (exec 3<>"/dev/tcp/127.0.0.1/$SMTP") 2>/dev/null && exit 0
  sleep 0.25
done
echo "mail servers not ready in 15 s" >&2; tail -5 dovecot.log smtp.log >&2; stop; exit 1
