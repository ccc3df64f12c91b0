import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, SetupError } from './run.mjs';

// Debian keeps daemons in /usr/sbin, which is not on the PATH of an ordinary user; Homebrew has its own folders.
const OTHER_FOLDERS = ['/usr/local/bin', '/usr/local/sbin', '/usr/sbin', '/sbin', '/opt/homebrew/bin'];

const MANAGERS = [
  {
    name: 'apt-get',
    needsRoot: true,
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    commands: (name) => [
      ['apt-get', '-o', 'DPkg::Lock::Timeout=120', 'update'],
      ['apt-get', '-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '--no-install-recommends', name],
    ],
  },
  { name: 'dnf', needsRoot: true, commands: (name) => [['dnf', 'install', '-y', name]] },
  { name: 'apk', needsRoot: true, commands: (name) => [['apk', 'add', name]] },
  { name: 'brew', needsRoot: false, commands: (name) => [['brew', 'install', name]] },
];

/** Path of a program, given by name or path; undefined when missing. */
export function findProgram(name) {
  if (path.isAbsolute(name)) return isExecutable(name) ? name : undefined;
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), ...OTHER_FOLDERS];
  return folders.map((folder) => path.join(folder, name)).find(isExecutable);
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Installs a package with the system's package manager, announced first.
 *
 * @param label            what is missing, for people: 'Redis'
 * @param packages         package name by package manager, for those that have it
 * @param options.pauseMs  time to interrupt after the announcement
 * @throws                 SetupError with the command to run when it may not or cannot be done here
 */
export async function installPackage(label, packages, { signal, pauseMs = 0, say = console.log } = {}) {
  const manager = MANAGERS.find(({ name }) => packages[name] !== undefined && findProgram(name));
  if (!manager) {
    throw new SetupError(`${label} was not found, and no known package manager here provides it.
Install it yourself (${Object.values(packages).join(' or ')}) so that it is on the PATH, then run this again.`);
  }
  const commands = manager.commands(packages[manager.name]);
  const line = commands.map((command) => command.join(' ')).join(' && ');
  if (manager.needsRoot && process.getuid?.() !== 0) {
    const withSudo = commands.map((command) => `sudo ${command.join(' ')}`).join(' && ');
    throw new SetupError(
      `${label} was not found, and only root can install it. Run this, then try again:\n  ${withSudo}`,
    );
  }
  const pause = pauseMs > 0 ? ` (in ${pauseMs / 1000} s; Ctrl-C cancels)` : '';
  say(`${label} was not found. Installing it now${pause}: ${line}`);
  await delay(pauseMs, undefined, { signal });
  let result = { code: 0, output: '' };
  // A failed `apt-get update` (one source that is down) does not decide: the install does.
  for (const [command, ...args] of commands) {
    result = await run(command, args, { quiet: true, env: { ...process.env, ...manager.env }, signal });
  }
  if (result.code !== 0) {
    throw new SetupError(
      `${result.output.trim()}\n${label} could not be installed. The command was:\n  ${line}`,
    );
  }
}
