import { useState } from "preact/hooks";
import { call } from "../../api/client";
import type { User } from "../../api/documents";
import { useLive } from "../../live/store";
import { user as self } from "../../session";
import { Answers, Confirm, Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Ago, Button, Card, Nothing, Skeleton } from "../../ui/parts";
import { type Column, Table } from "../../ui/Table";
import { toast } from "../../ui/Toast";
import { tried } from "../../ui/tried";

const ROLES = ["admin", "user", "guest"] as const;
type Role = (typeof ROLES)[number];

export function Users() {
  const { data, refresh } = useLive("users.get_all", {}, []);
  const [adding, setAdding] = useState(false);
  const [deleting, setDeleting] = useState<User | null>(null);
  const users = data.value?.users as User[] | undefined;

  const changeRole = async (user: User, role: Role) => {
    if (await tried(() => call("auth.edit_user", { user: user.id, role })))
      toast(`${user.name} is ${role} now`);
    await refresh();
  };
  const remove = async (user: User) => {
    if (await tried(() => call("auth.delete_user", { user: user.id })))
      toast(`${user.name} is deleted`);
    await refresh();
  };
  const columns: Column<User>[] = [
    { key: "name", head: "Name", phone: true, sort: (u) => u.name, cell: (u) => u.name },
    {
      key: "username",
      head: "Signs in as",
      phone: true,
      sort: (u) => u.username,
      cell: (u) => u.username || <Nothing />,
    },
    {
      key: "role",
      head: "Role",
      width: 130,
      sort: (u) => u.role,
      cell: (u) =>
        u.id === self.value?.id || !ROLES.includes(u.role as Role) ? (
          u.role
        ) : (
          <select
            class="settings-role"
            aria-label={`Role of ${u.name}`}
            value={u.role}
            onChange={(event) => void changeRole(u, event.currentTarget.value as Role)}
          >
            {ROLES.map((role) => (
              <option key={role}>{role}</option>
            ))}
          </select>
        ),
    },
    {
      key: "created",
      head: "Since",
      width: 110,
      number: true,
      sort: (u) => Date.parse(u.created ?? ""),
      cell: (u) => <Ago at={u.created} />,
    },
  ];
  return (
    <Card
      title="Users"
      note={users?.length}
      actions={
        <Button kind="primary" icon="plus" onClick={() => setAdding(true)}>
          Add a user
        </Button>
      }
    >
      {users ? (
        <Table
          name="users"
          label="Users"
          columns={columns}
          rows={users}
          id={(user) => user.id}
          sort={{ key: "name", descending: false }}
          actions={(user) =>
            user.id !== self.value?.id && (
              <Button kind="danger" onClick={() => setDeleting(user)}>
                Delete
              </Button>
            )
          }
          actionsWidth={88}
        />
      ) : (
        <Skeleton />
      )}
      {adding && <AddUser onClose={() => setAdding(false)} onAdded={refresh} />}
      {deleting && (
        <Confirm
          title={`Delete ${deleting.name}`}
          verb="Delete"
          onClose={() => setDeleting(null)}
          onConfirm={() => void remove(deleting)}
        >
          <p>Their key pairs and sessions end now. Tasks and queues they made stay.</p>
        </Confirm>
      )}
    </Card>
  );
}

interface AddUserProps {
  onClose: () => void;
  onAdded: () => Promise<void>;
}

function AddUser({ onClose, onAdded }: AddUserProps) {
  const [name, setName] = useState("");
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<Role>("user");
  const add = async (event: Event) => {
    event.preventDefault();
    const ask = { name: name.trim(), username: username.trim(), password, role };
    if (!(await tried(() => call("auth.create_user", ask)))) return;
    toast(`${ask.name} can sign in as ${ask.username}`);
    onClose();
    await onAdded();
  };
  return (
    <Dialog
      title="Add a user"
      onClose={onClose}
      actions={<Answers verb="Add" type="submit" form="add-user" onCancel={onClose} />}
    >
      <form id="add-user" class="stack" onSubmit={(event) => void add(event)}>
        <Field label="Name" required autofocus value={name} onText={setName} />
        <Field
          label="Signs in as"
          required
          autocomplete="off"
          autocapitalize="none"
          value={username}
          onText={setUsername}
        />
        <Field
          label="Password"
          required
          secret
          autocomplete="new-password"
          value={password}
          onText={setPassword}
        />
        <label class="field">
          Role
          <select value={role} onChange={(event) => setRole(event.currentTarget.value as Role)}>
            {ROLES.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <p class="muted">
          From then on this page asks everybody to sign in, on this machine as well.
        </p>
      </form>
    </Dialog>
  );
}
