import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity('experiment_type')
export class ExperimentTypeEntity {
  @PrimaryGeneratedColumn('identity', { type: 'integer', generatedIdentity: 'ALWAYS' })
  id: number;

  @Column({ type: 'text', unique: true, collation: 'C' })
  name: string;

  @Column({ type: 'text', default: '' })
  description: string;
}
