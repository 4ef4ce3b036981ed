"""Checks of groups in the image: they end a build in which Kaniko takes another group than Docker. Pure but for files.

Kaniko runs a command in the own group of USER, or with the UID as group if the image has no such user. It gives a file
that has no group to the group with the number of the UID. Which group Docker takes is in /etc/passwd and /etc/group of
the image, which nothing reads before the build. The scripts need /bin/sh alone; their variables are not exported.
"""

from pathlib import Path

from inference_image_build.builders.kaniko import staging
from inference_image_build.builders.kaniko.words import array
from inference_image_contract.hints import GROUP_DIFFERS

_FAILED = 125
"""As `docker run` has it for what is not the command's own failure."""
_USER = f"""\
# Executes a command if its group is the one that Docker takes. Arguments: the value of USER, the command.
_check_user=$1
shift
_check_wanted=0
case $_check_user in
  *:*)
    _check_wanted=${{_check_user#*:}}
    while IFS=: read -r _check_name _check_x _check_gid _check_x || [ -n "$_check_name" ]; do
      [ "$_check_name" = "$_check_wanted" ] && _check_wanted=$_check_gid && break
    done < /etc/group ;;
  *)
    while IFS=: read -r _check_name _check_x _check_uid _check_gid _check_x || [ -n "$_check_name" ]; do
      [ "$_check_name" = "$_check_user" ] || [ "$_check_uid" = "$_check_user" ] || continue
      _check_wanted=$_check_gid
      break
    done < /etc/passwd ;;
esac
while read -r _check_name _check_gid _check_x; do
  [ "$_check_name" = Gid: ] && break
done < /proc/self/status
[ "$_check_gid" = "$_check_wanted" ] && exec "$@"
echo "{GROUP_DIFFERS}: RUN as USER $_check_user has group $_check_wanted with Docker, $_check_gid with Kaniko." \\
  "Create the user in a RUN before, with $_check_wanted as its own group." >&2
exit {_FAILED}
"""
_OWNER = f"""\
# Succeeds if the own group of a user has the user's name. Argument: the user.
_check_own=
while IFS=: read -r _check_name _check_x _check_uid _check_gid _check_x || [ -n "$_check_name" ]; do
  [ "$_check_name" = "$1" ] && _check_own=$_check_gid && break
done < /etc/passwd
[ -n "$_check_own" ] || exit 0
_check_group=$_check_own
while IFS=: read -r _check_name _check_x _check_gid _check_x || [ -n "$_check_name" ]; do
  [ "$_check_name" = "$1" ] && [ "$_check_gid" = "$_check_own" ] && exit
  [ "$_check_gid" = "$_check_own" ] && _check_group=$_check_name
done < /etc/group
echo "{GROUP_DIFFERS}: --chown=$1 has group $_check_group with Docker. Write --chown=$1:$_check_group." >&2
exit {_FAILED}
"""


def run(context: Path, user: str, words: list[str]) -> list[str]:
    """The words of RUN's JSON form that check the group of `user` and execute `words`."""
    return ["/bin/sh", staging.script(context, "check-user", _USER), user, *words]


def owner(context: Path, user: str) -> str:
    """The RUN that checks the own group of a user to whom files are given."""
    return f"RUN {array(['/bin/sh', staging.script(context, 'check-owner', _OWNER), user])}"
