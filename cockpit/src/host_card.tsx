/** This host's identity, to be configured on the array. */
import { Alert, Card, CardBody, CardTitle, Content, Form, FormGroup } from "@patternfly/react-core";
import type { ReactNode } from "react";
import type { Fabric } from "./fabric.ts";
import { Copied } from "./labels.tsx";

export function HostCard({ fabric }: { readonly fabric: Fabric }): ReactNode {
  const { stafd, stacd } = fabric;
  const seen = stacd.is === "running" ? stacd : stafd;
  if (seen.is !== "running") {
    return (
      <Alert isInline variant="warning" title="Neither stafd nor stacd is running">
        They say who this host is. Start one of them under Services, or read /etc/stas/sys.conf,
        /etc/nvme/hostnqn and /etc/nvme/hostid.
      </Alert>
    );
  }
  const { nqn, id, symname } = seen.state.host;
  const other = stacd.is === "running" && stafd.is === "running" ? stafd.state.host : undefined;
  return (
    <Card>
      <CardTitle component="h2">This host</CardTitle>
      <CardBody>
        <Content component="p">
          What the array has to be told to give this host access. The names are in /etc/stas/sys.conf, or else
          in /etc/nvme/hostnqn and /etc/nvme/hostid.
        </Content>
        {other !== undefined && (other.nqn !== nqn || other.id !== id) && (
          <Alert isInline variant="warning" title="stafd and stacd use different identities">
            sys.conf was changed, and only one of them has been restarted since. Restart both.
          </Alert>
        )}
        <Form>
          <FormGroup label="Host NQN">
            <Copied name="Host NQN" text={nqn} />
          </FormGroup>
          <FormGroup label="Host ID">
            <Copied name="Host ID" text={id} />
          </FormGroup>
          {symname !== "" && (
            <FormGroup label="Symbolic name">
              <Copied name="Symbolic name" text={symname} />
            </FormGroup>
          )}
        </Form>
        {symname === "" && (
          <Content component="small">
            No symbolic name is set (symname in sys.conf).
          </Content>
        )}
      </CardBody>
    </Card>
  );
}
