/**
 * Topics about what surrounds a run: the environment, and what its exit code tells.
 */
export const settingTopics: Readonly<Record<string, string>> = {
  environment: `Variables that are read, where they are set:

Which repository, and who you are

  BORG_REPO            repository to use where none is named, and for "::" and
                       "::NAME"; may hold placeholders
  BORG_PASSPHRASE      passphrase of the key
  BORG_PASSCOMMAND     command that prints it, if BORG_PASSPHRASE is not set
  BORG_PASSPHRASE_FD   number of an open file to read it from, if neither is set
  BORG_NEW_PASSPHRASE  for "init" and "key change-passphrase"
  BORG_DISPLAY_PASSPHRASE  answers whether to show a new passphrase

Without any of them the passphrase is asked for on the terminal.

Answers to questions, for scripts (yes or no; where asked for it, YES)

  BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK  a repository not seen before
  BORG_RELOCATED_REPO_ACCESS_IS_OK            a repository that has moved
  TSBORG_ADVISORY_LOCK_IS_OK                  writing where nothing locks surely
  BORG_CHECK_I_KNOW_WHAT_I_AM_DOING           check --repair
  BORG_DELETE_I_KNOW_WHAT_I_AM_DOING          deleting a repository

Each of these questions guards against losing data, or against being deceived:
set them for one run, not for good.

Where things are kept

  BORG_BASE_DIR        in place of your home folder, for all that follows
  BORG_CONFIG_DIR      settings, default ~/.config/borg (XDG_CONFIG_HOME)
  BORG_CACHE_DIR       caches, default ~/.cache/borg (XDG_CACHE_HOME)
  BORG_SECURITY_DIR    what is remembered of repositories, default
                       ~/.config/borg/security
  BORG_KEYS_DIR        key files, default ~/.config/borg/keys
  BORG_KEY_FILE        one key file, to be used for everything
  TMPDIR               temporary files

How things are done

  BORG_EXIT_CODES      "modern": see "tsborg help exit-codes"
  BORG_JSON_INDENT     blanks to indent JSON documents with, or "none"
  BORG_RSH             command that connects to servers, default "ssh"; --rsh
  BORG_REMOTE_PATH     program to run on the server; --remote-path
  AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE
  AWS_REGION AWS_ENDPOINT_URL AWS_CA_BUNDLE  for repositories on S3, as for
                       Amazon's own tools, which share ~/.aws with us
  TSBORG_S3_STORAGE_CLASS  of new segments, default that of the bucket
  TSBORG_S3_ADDRESSING path, virtual or auto: where the bucket's name stands
  TSBORG_RCLONE        the program, default "rclone"; it reads its own RCLONE_*
  BORG_HOSTNAME BORG_USERNAME  recorded in archives, and filled in for
                       {hostname} and {user}
  BORG_HOST_ID         what names this machine in locks
  BORG_FILES_CACHE_TTL     backups after which unseen files are forgotten, 20
  BORG_FILES_CACHE_SUFFIX  separate memories of files for separate jobs
  BORG_USE_CHUNKS_ARCHIVE  "no": keep no index of each archive; saves space,
                       and makes bringing a lost cache back slower
  BORG_SHOW_SYSINFO    "no": no details about the system in error reports
  BORG_WORKAROUNDS     comma-separated: authenticated_no_key,
                       ignore_invalid_archive_tam; only if you know why
  COLUMNS TZ           width of the terminal; time zone

Examples:

  BORG_REPO=/backup/repo BORG_PASSCOMMAND='pass show backup' \\
      tsborg create ::{now} /home
  BORG_EXIT_CODES=modern tsborg check
`,
  'exit-codes': `By default:

  0    all is well
  1    a warning: something was left out or looks wrong; the rest is done
  2    an error: the command was not carried out, or not to its end
  128+N  killed by signal N: 130 is ^C, 143 is SIGTERM

Do not ignore 1 in scripts: it may mean that a folder could not be read since
the day its owner changed. With --show-rc the last line on stderr tells the
code.

With BORG_EXIT_CODES=modern the code tells what it was. If there were several
kinds of warnings, it is 1. Errors in the command line are always 2.

  2    an error of another kind            3    you said no
  4    options that do not go together     5 6  a bad placeholder

  10   there is a repository already       11   it is one of Attic's
  12   it needs "tsborg check"             13   there is no repository
  14   too little space on the disk        15   this is no repository
  16   its configuration is broken         17   an object is missing
  18   the folder above is missing         19   something else is there
  20   the quota is used up                21   access to it is refused
  25   it needs a newer version            26   it has no list of archives
  27   that list is of an unknown form

  30   there is an archive of that name    31   there is none
  32   a file name cannot be represented

  40   a key is damaged                    41   a key of another repository
  42   no key file was found               43   this is no copy of a key
  44   there is no key in the repository   45   a copy of another key
  46   there is no key to manage           47   an unknown kind of key
  48   an unknown kind of data
  50   no passphrase could be had          51   BORG_PASSCOMMAND failed
  52   the passphrase is wrong             53   too many wrong ones

  60   an unknown repository was refused   61   its encryption has changed
  62   a moved repository was refused      63   the cache is newer than it
  64   it is older than what we remember
  70-75  a lock could not be had; 73: waited for it in vain

  80-87  trouble with the server: 80 and 81 the connection ended, 82 it does not
       know what was asked, 83 it refuses the path, 84 it is too old, 85 and 86
       something strange was sent, 87 the connection broke

  90-99  data that is not what was stored: 90 an object, 91 a file of the cache
       or the index, 92 cannot be decompressed, 95-99 not authentic

  100  a file changed while it was read    101  a PATH matched nothing
  102  another trouble with one file       103  a file was replaced meanwhile
  104  the system reported an error        105  access was denied
  106  input or output failed              107  a file was not found
  108-110  an archive wants to write where it must not

"tsborg with-lock" and "tsborg umount" end with the code of the program they
run. "tsborg check" ends with 1 for any problem it finds.

Examples:

  tsborg create --show-rc /backup/repo::{now} /home
  BORG_EXIT_CODES=modern tsborg prune --keep-daily 7 /backup/repo
`,
}
