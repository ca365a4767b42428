// A dialog over the page: focus stays inside, Escape closes it, focus goes back to where it was.
import type { ReactNode } from 'react';
import { Dialog } from 'react-aria-components/Dialog';
import { Heading } from 'react-aria-components/Heading';
import { Modal, ModalOverlay } from 'react-aria-components/Modal';

interface ModalDialogProps {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  /** `alertdialog` interrupts: a question before something is lost. */
  readonly role?: 'dialog' | 'alertdialog';
  readonly children: ReactNode;
}

export function ModalDialog({ title, isOpen, onClose, role = 'dialog', children }: ModalDialogProps) {
  return (
    <ModalOverlay className="overlay" isOpen={isOpen} isDismissable onOpenChange={(open) => (open ? null : onClose())}>
      <Modal className="modal">
        <Dialog className="dialog" role={role}>
          <Heading slot="title" level={2}>
            {title}
          </Heading>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
